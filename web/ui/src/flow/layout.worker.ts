// Places for the steps of a flow, computed away from the page's thread: the insides of loops first, then what is around.
import { Graph, layout } from '@dagrejs/dagre'

type Box = { id: string; width: number; height: number; parent: string; loop: boolean; group: string }
export type Ask = {
  nodes: Box[]
  edges: { source: string; target: string }[]
  head: number
  rail: number
  pad: number
  empty: { width: number; height: number }
}
export type Place = { x: number; y: number; width?: number; height?: number }

self.onmessage = ({ data }: MessageEvent<Ask>) => {
  const { head, rail, pad, empty } = data
  const places: Record<string, Place> = {}
  const level = (parent: string): { width: number; height: number } => {
    const boxes = data.nodes.filter((node) => node.parent === parent)
    const sizes = new Map(
      boxes.map((box) => [box.id, box.loop ? level(box.id) : { width: box.width, height: box.height }]),
    )
    const groups = new Set(boxes.map((box) => box.group).filter(Boolean))
    const graph = new Graph({ multigraph: true, compound: groups.size > 0 })
    graph.setGraph({ rankdir: 'LR', nodesep: 44, ranksep: 68, marginx: 0, marginy: 0 })
    graph.setDefaultEdgeLabel(() => ({}))
    boxes.forEach(({ id }) => graph.setNode(id, { ...sizes.get(id) }))
    groups.forEach((id) => graph.setNode(id, {}))
    boxes.forEach(({ id, group }) => {
      if (group) graph.setParent(id, group)
    })
    data.edges.forEach(({ source, target }, index) => {
      if (sizes.has(source) && sizes.has(target)) graph.setEdge(source, target, {}, String(index))
    })
    layout(graph)
    const shift = parent ? { x: rail, y: head + pad } : { x: 0, y: 0 }
    let right = 0
    let bottom = 0
    for (const box of boxes) {
      const { width, height } = sizes.get(box.id) as { width: number; height: number }
      const at = graph.node(box.id) as unknown as { x: number; y: number }
      const x = Math.round(at.x - width / 2) + shift.x
      const y = Math.round(at.y - height / 2) + shift.y
      places[box.id] = box.loop ? { x, y, width, height } : { x, y }
      right = Math.max(right, x + width)
      bottom = Math.max(bottom, y + height)
    }
    return { width: Math.max(empty.width, right + rail), height: Math.max(empty.height, bottom + pad) }
  }
  level('')
  self.postMessage(places)
}
