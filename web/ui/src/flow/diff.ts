// What differs between two versions of a flow: steps, their settings, wires. Where things stand does not count.
import type { Canvas, CanvasEdge, CanvasNode, Json } from '../api/types'
import { alike } from '../lib/alike'

export type Kind = 'added' | 'removed' | 'changed' | 'same'
export type Setting = { path: string; names: string[]; before: Json | undefined; after: Json | undefined }
export type StepChange = { id: string; kind: Kind; node: CanvasNode; settings: Setting[] }
export type WireChange = { edge: CanvasEdge; kind: Kind }
export type Difference = { steps: StepChange[]; wires: WireChange[] }
type Doc = Pick<Canvas, 'nodes' | 'edges'>

const isObject = (value: unknown): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
/** What makes two wires the same one. */
export const wireOf = (edge: CanvasEdge) =>
  `${edge.source}\t${edge.sourceHandle ?? 'out'}\t${edge.target}\t${edge.targetHandle ?? 'in'}`

/** Settings that differ, each by its path; what is empty on both sides is alike. */
export function settings(before: Json | undefined, after: Json | undefined, names: string[] = []): Setting[] {
  if (alike(before, after)) return []
  if (
    (isObject(before) || isObject(after))
    && (before === undefined || isObject(before))
    && (after === undefined || isObject(after))
  ) {
    return [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].flatMap((name) =>
      settings(before?.[name], after?.[name], [...names, name]),
    )
  }
  return [{ path: names.join('.'), names, before, after }]
}

const NEAR = { x: 200, y: 60 }
/** A removed step beside what stands in its place now. */
function aside(node: CanvasNode, steps: StepChange[]): CanvasNode {
  let { y } = node.position
  const taken = () =>
    steps.some(
      ({ node: other }) =>
        other.parentId === node.parentId
        && Math.abs(other.position.x - node.position.x) < NEAR.x
        && Math.abs(other.position.y - y) < NEAR.y,
    )
  while (taken()) y += NEAR.y + 30
  return { ...node, position: { x: node.position.x, y } }
}

/** What a step is, but for its place. */
export const shape = (node: CanvasNode): Json =>
  JSON.parse(JSON.stringify({ ...node.data, parent: node.parentId ?? null })) as Json

export function difference(before: Doc, after: Doc): Difference {
  const old = new Map(before.nodes.map((node) => [node.id, node]))
  const now = new Set(after.nodes.map((node) => node.id))
  const steps: StepChange[] = after.nodes.map((node) => {
    const was = old.get(node.id)
    const differing = was ? settings(shape(was), shape(node)) : []
    return { id: node.id, node, kind: !was ? 'added' : differing.length ? 'changed' : 'same', settings: differing }
  })
  before.nodes.forEach((node) => {
    if (!now.has(node.id)) steps.push({ id: node.id, node: aside(node, steps), kind: 'removed', settings: [] })
  })
  const wiresBefore = new Set(before.edges.map(wireOf))
  const wiresNow = new Set(after.edges.map(wireOf))
  const wires: WireChange[] = after.edges.map((edge) => ({
    edge,
    kind: wiresBefore.has(wireOf(edge)) ? 'same' : 'added',
  }))
  before.edges.forEach((edge) => {
    if (!wiresNow.has(wireOf(edge))) wires.push({ edge: { ...edge, id: `-${edge.id}` }, kind: 'removed' })
  })
  return { steps, wires }
}

export type Line = { kind: Kind; text: string }
const MOST = 600

/** Two texts line by line; very long ones as a whole. */
export function lines(before: string, after: string): Line[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  if (a.length > MOST || b.length > MOST)
    return [...a.map((text): Line => ({ kind: 'removed', text })), ...b.map((text): Line => ({ kind: 'added', text }))]
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  const at = (i: number, j: number) => common[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i -= 1) {
    const row = common[i] as Uint16Array
    for (let j = b.length - 1; j >= 0; j -= 1)
      row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  }
  const found: Line[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push({ kind: 'same', text: a[i] ?? '' })
      i += 1
      j += 1
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      found.push({ kind: 'removed', text: a[i] ?? '' })
      i += 1
    } else {
      found.push({ kind: 'added', text: b[j] ?? '' })
      j += 1
    }
  }
  return found
}
