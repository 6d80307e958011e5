// Places for the steps of a flow, computed away from the page's thread.
import { Graph, layout } from '@dagrejs/dagre'

export type Ask = { nodes: { id: string; width: number; height: number }[]; edges: { source: string; target: string }[] }

self.onmessage = ({ data }: MessageEvent<Ask>) => {
  const graph = new Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'LR', nodesep: 44, ranksep: 68, marginx: 0, marginy: 0 })
  graph.setDefaultEdgeLabel(() => ({}))
  data.nodes.forEach(({ id, width, height }) => graph.setNode(id, { width, height }))
  data.edges.forEach(({ source, target }, index) => graph.setEdge(source, target, {}, String(index)))
  layout(graph)
  const places = data.nodes.map(({ id, width, height }) => {
    const at = graph.node(id) as unknown as { x: number; y: number }
    return [id, { x: Math.round(at.x - width / 2), y: Math.round(at.y - height / 2) }] as const
  })
  self.postMessage(Object.fromEntries(places))
}
