// Look-ups over the lists of a document, made once for each list: they stay fast with thousands of steps.
import type { CanvasEdge, CanvasNode } from '../api/types'

function once<List extends object, Found>(make: (list: List) => Found): (list: List) => Found {
  const known = new WeakMap<List, Found>()
  return (list) => {
    const found = known.get(list) ?? make(list)
    known.set(list, found)
    return found
  }
}

function grouped<T>(list: readonly T[], key: (one: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const one of list) {
    const held = found.get(key(one))
    if (held) held.push(one)
    else found.set(key(one), [one])
  }
  return found
}

const nodesById = once((nodes: readonly CanvasNode[]) => new Map(nodes.map((node) => [node.id, node])))
const edgesBySource = once((edges: readonly CanvasEdge[]) => grouped(edges, (edge) => edge.source))
const edgesByTarget = once((edges: readonly CanvasEdge[]) => grouped(edges, (edge) => edge.target))
const problemsByNode = once((problems: readonly { node_id: string }[]) => grouped(problems, (one) => one.node_id))

export const nodeOf = <N extends CanvasNode>({ nodes }: { nodes: readonly N[] }, id: string | undefined) =>
  (id === undefined ? undefined : nodesById(nodes).get(id)) as N | undefined
export const wiresFrom = <E extends CanvasEdge>(edges: readonly E[], id: string) =>
  (edgesBySource(edges).get(id) ?? []) as E[]
export const wiresInto = <E extends CanvasEdge>(edges: readonly E[], id: string) =>
  (edgesByTarget(edges).get(id) ?? []) as E[]
export const problemsOf = <P extends { node_id: string }>(problems: readonly P[], id: string) =>
  (problemsByNode(problems).get(id) ?? []) as P[]
