// What changed between two documents, so that the history of acts fits into the session's storage. Pure.
import { bare } from './graph'
import type { Doc } from './graph'

type Thing = { id: string }
type Part<T> = { put: T[]; drop: string[]; order?: string[] }
export type Delta = { nodes: Part<Doc['nodes'][number]>; edges: Part<Doc['edges'][number]> }

export const delta = (from: Doc, to: Doc): Delta => ({
  nodes: part(from.nodes, to.nodes),
  edges: part(from.edges, to.edges),
})
export const patched = (doc: Doc, { nodes, edges }: Delta): Doc => ({
  nodes: put(doc.nodes, nodes),
  edges: put(doc.edges, edges),
})

function part<T extends Thing>(from: readonly T[], to: readonly T[]): Part<T> {
  if (from === to) return { put: [], drop: [] }
  const before = new Map(from.map((one) => [one.id, one]))
  const after = new Set(to.map((one) => one.id))
  const changed = to.filter((one) => !same(before.get(one.id), one)).map(bare)
  const drop = from.filter((one) => !after.has(one.id)).map((one) => one.id)
  const found = { put: changed, drop }
  const order = to.map((one) => one.id)
  return put([...from], found).every((one, at) => one.id === order[at]) ? found : { ...found, order }
}

const same = <T extends object>(a: T | undefined, b: T) =>
  a === b || (a !== undefined && JSON.stringify(bare(a)) === JSON.stringify(bare(b)))

function put<T extends Thing>(list: readonly T[], { put: changed, drop, order }: Part<T>): T[] {
  if (!changed.length && !drop.length && !order) return list as T[]
  const next = new Map(changed.map((one) => [one.id, one]))
  const gone = new Set(drop)
  const known = new Set(list.map((one) => one.id))
  const all = [
    ...list.filter((one) => !gone.has(one.id)).map((one) => next.get(one.id) ?? one),
    ...changed.filter((one) => !known.has(one.id)),
  ]
  if (!order) return all
  const byId = new Map(all.map((one) => [one.id, one]))
  return order.flatMap((id) => byId.get(id) ?? [])
}

/** The way from a document through others, each step as what changed; steps already known are not compared again. */
const known = new WeakMap<Doc, { from: Doc; delta: Delta }>()
export function trail(from: Doc, docs: readonly Doc[]): Delta[] {
  let at = from
  return docs.map((to) => {
    const held = known.get(to)
    const found = held?.from === at ? held.delta : delta(at, to)
    known.set(to, { from: at, delta: found })
    at = to
    return found
  })
}
export function walked(from: Doc, deltas: readonly Delta[]): Doc[] {
  let at = from
  return deltas.map((one) => {
    at = patched(at, one)
    return at
  })
}
