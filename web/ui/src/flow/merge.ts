// Two canvases that grew from one: what each side changed, and the one made of both. Pure.
import type { CanvasEdge, CanvasNode, Json } from '../api/types'
import { alike } from '../lib/alike'
import { settings, shape, wireOf } from './diff'
import { isStep, labelOf } from './graph'
import type { Doc } from './graph'

export type Side = 'mine' | 'theirs'
/** One thing that the two have different: a step as a whole (no `path`), one of its settings, or a wire. */
export type Point = {
  key: string
  id: string
  label: string
  path: string
  names: string[]
  base: Json | undefined
  mine: Json | undefined
  theirs: Json | undefined
  /** Who changed it; where both did, somebody has to say. */
  by: Side | 'both'
}
const THERE = true

const titleOf = (node: CanvasNode) =>
  isStep(node) ? labelOf(node) : String(node.data.label || node.data.text || '').slice(0, 40)
const byId = <T extends { id: string }>(list: readonly T[]) => new Map(list.map((one) => [one.id, one]))
const byWire = (list: readonly CanvasEdge[]) => new Map(list.map((edge) => [wireOf(edge), edge]))
const who = (base: unknown, mine: unknown, theirs: unknown): Point['by'] =>
  alike(base, mine) ? 'theirs' : alike(base, theirs) ? 'mine' : 'both'

/** All points where the two differ, by step; places on the canvas do not count. */
export function points(base: Doc, mine: Doc, theirs: Doc): Point[] {
  const [old, ours, other] = [byId(base.nodes), byId(mine.nodes), byId(theirs.nodes)]
  const found = [...new Set([...ours.keys(), ...other.keys()])].flatMap((id): Point[] => {
    const [was, here, there] = [old.get(id), ours.get(id), other.get(id)]
    const label = titleOf((here ?? there) as CanvasNode)
    if (!here || !there) {
      const left = here ?? there
      const touched = was && left && settings(shape(was), shape(left)).length > 0
      const by = was && touched ? 'both' : was ? (here ? 'theirs' : 'mine') : here ? 'mine' : 'theirs'
      return [
        {
          key: id,
          id,
          label,
          path: '',
          names: [],
          base: was && THERE,
          mine: here && THERE,
          theirs: there && THERE,
          by,
        },
      ]
    }
    return settings(shape(there), shape(here)).map(({ path, names, before, after }) => {
      const first = was && at(shape(was), names)
      return {
        key: `${id}\t${path}`,
        id,
        label,
        path,
        names,
        base: first,
        mine: after,
        theirs: before,
        by: who(first, after, before),
      }
    })
  })
  const nameOf = (id: string) => titleOf((ours.get(id) ?? other.get(id) ?? old.get(id)) as CanvasNode)
  const [past, left, right] = [byWire(base.edges), byWire(mine.edges), byWire(theirs.edges)]
  const full = new Set(
    [...left.values()].filter((edge) => !right.has(wireOf(edge)) && !past.has(wireOf(edge))).map(inputOf),
  )
  const wires = [...new Set([...left.keys(), ...right.keys()])].flatMap((key): Point[] => {
    const [was, here, there] = [past.has(key) || undefined, left.has(key) || undefined, right.has(key) || undefined]
    const edge = left.get(key) ?? right.get(key)
    if (here === there || !edge) return []
    const taken = there && !was && full.has(inputOf(edge)) // both lead something else into one input
    return [
      {
        key,
        id: '',
        label: `${nameOf(edge.source)} → ${nameOf(edge.target)}`,
        path: '',
        names: [],
        base: was,
        mine: here,
        theirs: there,
        by: taken ? 'both' : who(was, here, there),
      },
    ]
  })
  return [...found, ...wires]
}

const inputOf = (edge: CanvasEdge) => `${edge.target}\t${edge.targetHandle ?? 'in'}`

/** Whose it is unless somebody chooses: who alone changed it, else mine. */
export const sideOf = (point: Point, chosen: ReadonlyMap<string, Side>): Side =>
  chosen.get(point.key) ?? (point.by === 'theirs' ? 'theirs' : 'mine')

/** The document of both sides, each point as chosen. */
export function merged(base: Doc, mine: Doc, theirs: Doc, chosen: ReadonlyMap<string, Side>): Doc {
  const all = points(base, mine, theirs)
  const side = new Map(all.map((point) => [point.key, sideOf(point, chosen)]))
  const [old, ours, other] = [byId(base.nodes), byId(mine.nodes), byId(theirs.nodes)]
  const kept = new Map<string, CanvasNode>()
  const keep = (id: string) => {
    const [here, there] = [ours.get(id), other.get(id)]
    const node =
      here && there
        ? joined(
            here,
            there,
            old.get(id),
            all.filter((point) => point.id === id && side.get(point.key) === 'theirs'),
          )
        : (here ?? there)
    if (!node || kept.has(id)) return
    if (node.parentId) keep(node.parentId) // what holds a step stays with it
    kept.set(id, node)
  }
  for (const id of new Set([...ours.keys(), ...other.keys()])) {
    const chose = side.get(id)
    if (!chose || (chose === 'mine' ? ours : other).has(id)) keep(id)
  }
  const [left, right] = [byWire(mine.edges), byWire(theirs.edges)]
  const edges = [...left, ...[...right].filter(([key]) => !left.has(key))].flatMap(([key, edge]) => {
    const chose = side.get(key)
    const there = !chose || (chose === 'mine' ? left : right).has(key)
    return there && kept.has(edge.source) && kept.has(edge.target) ? [edge] : []
  })
  return { nodes: [...kept.values()], edges }
}

/** My step with some of their settings; it stands where it was moved to. */
function joined(mine: CanvasNode, theirs: CanvasNode, base: CanvasNode | undefined, wanted: Point[]): CanvasNode {
  const moved = base && alike(base.position, mine.position) && base.parentId === mine.parentId
  const { parentId: _ours, ...rest } = mine
  const parent = wanted.some((point) => point.path === 'parent') ? theirs : mine
  const place = parent === theirs || (moved && mine.parentId === theirs.parentId) ? theirs : mine
  const data = wanted
    .filter((point) => point.path !== 'parent')
    .reduce<Json>((made, point) => put(made, point.names, point.theirs), mine.data as Json)
  return {
    ...rest,
    position: place.position,
    ...(parent.parentId ? { parentId: parent.parentId } : {}),
    data: data as CanvasNode['data'],
  }
}

const isObject = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const at = (value: Json, names: string[]) =>
  names.reduce<Json | undefined>((held, name) => (isObject(held) ? held[name] : undefined), value)

function put(value: Json | undefined, [name = '', ...rest]: string[], wanted: Json | undefined): Json {
  const { [name]: held, ...others } = isObject(value) ? value : {}
  const next = rest.length ? put(held, rest, wanted) : wanted
  return next === undefined ? others : { ...others, [name]: next }
}
