// Loops hold steps: levels, sizes, places in a parent, moving in and out. Pure.
import type { CanvasNode } from '../api/types'
import type { Doc, Types, Wire } from './graph'
import { nodeOf } from './lookup'
import { inputOf, isStep, outputOf, refusal, typeOf, wired } from './graph'

type Point = { x: number; y: number }
export const WIDTH = 212
export const HEIGHT = 56
export const HEAD = 44
export const RAIL = 94
export const PAD = 22
/** What a loop measures while nothing is inside. */
export const EMPTY = { width: 2 * RAIL + WIDTH, height: HEAD + 2 * PAD + HEIGHT }

export const isLoop = (types: Types, node: CanvasNode | undefined) => typeOf(types, node)?.role === 'loop'
export const sizeOf = (node: CanvasNode) => ({ width: node.width ?? WIDTH, height: node.height ?? HEIGHT })
export const childrenOf = (doc: Doc, id: string) => doc.nodes.filter((node) => (node.parentId ?? '') === id)

/** Steps inside these, at any depth, with them. */
export function withInsides(doc: Doc, ids: Iterable<string>): Set<string> {
  const found = new Set(ids)
  let before = -1
  while (found.size !== before) {
    before = found.size
    doc.nodes.forEach((node) => {
      if (node.parentId && found.has(node.parentId)) found.add(node.id)
    })
  }
  return found
}

/** Where a step is on the whole canvas. */
export function absolute(doc: Doc, node: CanvasNode): Point {
  const parent = node.parentId ? nodeOf(doc, node.parentId) : undefined
  if (!parent || parent === node) return node.position
  const at = absolute(doc, parent)
  return { x: at.x + node.position.x, y: at.y + node.position.y }
}

/** The innermost loop at a point of the canvas; `not` and what is inside of it do not count. */
export function loopAt(doc: Doc, types: Types, point: Point, not: Set<string> = new Set()): string {
  const out = withInsides(doc, not)
  const hit = doc.nodes.filter((node) => {
    if (out.has(node.id) || !isLoop(types, node)) return false
    const at = absolute(doc, node)
    const { width, height } = sizeOf(node)
    return point.x > at.x && point.x < at.x + width && point.y > at.y && point.y < at.y + height
  })
  return hit.sort((a, b) => depth(doc, b) - depth(doc, a))[0]?.id ?? ''
}

export function depth(doc: Doc, node: CanvasNode): number {
  const parent = node.parentId ? nodeOf(doc, node.parentId) : undefined
  return parent ? 1 + depth(doc, parent) : 0
}

/** A wire that leads into a loop from its own `item`, or out to its own `result`. */
export function border(
  doc: Doc,
  wire: Pick<Wire, 'source' | 'target' | 'sourceHandle' | 'targetHandle'>,
): '' | 'enters' | 'leaves' {
  const source = nodeOf(doc, wire.source)
  const target = nodeOf(doc, wire.target)
  if (target?.parentId && target.parentId === wire.source && wire.sourceHandle === 'item') return 'enters'
  if (source?.parentId && source.parentId === wire.target && wire.targetHandle === 'result') return 'leaves'
  return ''
}

/** In which loop a port is; '' is outside of all. */
export function levelOf(
  doc: Doc,
  types: Types,
  id: string,
  handle: string | null | undefined,
  side: 'source' | 'target',
): string {
  const node = nodeOf(doc, id)
  if (isLoop(types, node) && handle === (side === 'source' ? 'item' : 'result')) return id
  return node?.parentId ?? ''
}

/** Loops as wide and high as what is inside needs, parents before their children, neighbours pushed aside. */
export function fitLoops(doc: Doc, types: Types): Doc {
  const byId = new Map(doc.nodes.map((node) => [node.id, node]))
  const alone = doc.nodes.map((node) =>
    node.parentId && !byId.has(node.parentId) ? { ...node, parentId: undefined } : node,
  )
  let fitted: Doc = { nodes: ordered(alone), edges: doc.edges }
  const loops = fitted.nodes.filter((node) => isLoop(types, node)).sort((a, b) => depth(fitted, b) - depth(fitted, a))
  for (const { id } of loops) fitted = fitOne(fitted, id)
  return fitted
}

function ordered(nodes: CanvasNode[]): CanvasNode[] {
  const doc = { nodes, edges: [] }
  const deep = new Map(nodes.map((node) => [node.id, depth(doc, node)]))
  return nodes.every((node, at) => at === 0 || (deep.get(nodes[at - 1]?.id ?? '') ?? 0) <= (deep.get(node.id) ?? 0))
    ? nodes
    : [...nodes].sort((a, b) => (deep.get(a.id) ?? 0) - (deep.get(b.id) ?? 0))
}

function fitOne(doc: Doc, id: string): Doc {
  const loop = nodeOf(doc, id)
  if (!loop) return doc
  const inside = childrenOf(doc, id)
  const unsized = loop.width === undefined || loop.height === undefined
  const left = Math.min(...inside.map((node) => node.position.x))
  const top = Math.min(...inside.map((node) => node.position.y))
  const shift = !inside.length
    ? { x: 0, y: 0 }
    : unsized
      ? { x: RAIL - left, y: HEAD + PAD - top }
      : { x: Math.max(0, RAIL - left), y: Math.max(0, HEAD + PAD - top) }
  const right = Math.max(0, ...inside.map((node) => node.position.x + sizeOf(node).width)) + shift.x
  const bottom = Math.max(0, ...inside.map((node) => node.position.y + sizeOf(node).height)) + shift.y
  const width = Math.max(loop.width ?? EMPTY.width, right + RAIL)
  const height = Math.max(loop.height ?? EMPTY.height, bottom + PAD)
  const before = unsized ? { width: WIDTH, height: HEIGHT } : { width: loop.width ?? 0, height: loop.height ?? 0 }
  if (!unsized && !shift.x && !shift.y && width === before.width && height === before.height) return doc
  return {
    edges: doc.edges,
    nodes: doc.nodes.map((node) => {
      if (node.id === id) return { ...node, width, height }
      if (node.parentId === id)
        return { ...node, position: { x: node.position.x + shift.x, y: node.position.y + shift.y } }
      return (node.parentId ?? '') === (loop.parentId ?? '')
        ? pushed(node, loop, before, { x: width - before.width, y: height - before.height })
        : node
    }),
  }
}

/** A neighbour of a loop that grew: what was right of it stays right of it, what was below stays below. */
function pushed(node: CanvasNode, loop: CanvasNode, before: { width: number; height: number }, by: Point): CanvasNode {
  const { width, height } = sizeOf(node)
  const beside = node.position.y < loop.position.y + before.height + by.y && node.position.y + height > loop.position.y
  const above = node.position.x < loop.position.x + before.width + by.x && node.position.x + width > loop.position.x
  if (by.x > 0 && node.position.x >= loop.position.x + before.width && beside)
    return { ...node, position: { ...node.position, x: node.position.x + by.x } }
  if (by.y > 0 && node.position.y >= loop.position.y + before.height && above)
    return { ...node, position: { ...node.position, y: node.position.y + by.y } }
  return node
}

/** The wires of a first step inside: item to it, it to the result. */
export function wiredInside(doc: Doc, types: Types, loop: string, step: CanvasNode): Doc {
  const into = inputOf(typeOf(types, step))
  const out = outputOf(typeOf(types, step))
  let { edges } = doc
  const wires: Wire[] = []
  if (into) wires.push({ source: loop, sourceHandle: 'item', target: step.id, targetHandle: into.name })
  if (out) wires.push({ source: step.id, sourceHandle: out.name, target: loop, targetHandle: 'result' })
  for (const wire of wires) if (!refusal({ nodes: doc.nodes, edges }, types, wire)) edges = [...edges, wired(wire)]
  return { nodes: doc.nodes, edges }
}

/** A new step inside a loop: after the last one there, which led to the result until now. */
export function addInside(doc: Doc, types: Types, loop: string, step: CanvasNode, gap: number): Doc {
  const inside = childrenOf(doc, loop).filter(isStep)
  const last = doc.edges.find(
    (edge) =>
      border(doc, { ...edge, sourceHandle: edge.sourceHandle ?? null, targetHandle: edge.targetHandle ?? null })
        === 'leaves' && edge.target === loop,
  )
  const before = inside.find((node) => node.id === last?.source)
  const far = Math.max(0, ...inside.map((node) => node.position.x + sizeOf(node).width))
  const position = before
    ? { x: before.position.x + sizeOf(before).width + gap, y: before.position.y }
    : { x: inside.length ? far + gap : RAIL, y: HEAD + PAD }
  const placed: CanvasNode = { ...step, parentId: loop, position }
  const nodes = [...doc.nodes, placed]
  const into = inputOf(typeOf(types, step))
  const out = outputOf(typeOf(types, step))
  if (!last || !before || !into) return fitLoops(wiredInside({ nodes, edges: doc.edges }, types, loop, placed), types)
  const edges = doc.edges.filter((edge) => edge !== last || !out)
  edges.push(
    wired({ source: before.id, sourceHandle: last.sourceHandle ?? 'out', target: step.id, targetHandle: into.name }),
  )
  if (out) edges.push(wired({ source: step.id, sourceHandle: out.name, target: loop, targetHandle: 'result' }))
  return fitLoops({ nodes, edges }, types)
}

/** Steps dropped where they are now: into the loop under them or out of theirs. Wires across a border are taken off. */
export function dropped(doc: Doc, types: Types, ids: Set<string>): { doc: Doc; cut: number; into: string } {
  let { nodes } = doc
  const moved = new Set<string>()
  let into = ''
  for (const id of ids) {
    const node = nodeOf({ nodes }, id)
    if (!node || !isStep(node) || (node.parentId && ids.has(node.parentId))) continue
    const at = absolute({ nodes, edges: doc.edges }, node)
    const { width, height } = sizeOf(node)
    const loop = loopAt({ nodes, edges: doc.edges }, types, { x: at.x + width / 2, y: at.y + height / 2 }, ids)
    if (loop === (node.parentId ?? '')) continue
    const holder = nodeOf({ nodes }, loop)
    const origin = holder ? absolute({ nodes, edges: doc.edges }, holder) : { x: 0, y: 0 }
    const next: CanvasNode = {
      ...node,
      parentId: loop || undefined,
      position: { x: at.x - origin.x, y: at.y - origin.y },
    }
    nodes = nodes.map((one) => (one.id === id ? next : one))
    moved.add(id)
    into = loop
  }
  const placed = { nodes, edges: doc.edges }
  const edges = moved.size
    ? doc.edges.filter(
        (edge) =>
          !(moved.has(edge.source) || moved.has(edge.target))
          || levelOf(placed, types, edge.source, edge.sourceHandle ?? 'out', 'source')
            === levelOf(placed, types, edge.target, edge.targetHandle ?? 'in', 'target'),
      )
    : doc.edges
  let after: Doc = { nodes, edges }
  const first =
    into && moved.size === 1 && childrenOf(after, into).length === 1 ? childrenOf(after, into)[0] : undefined
  if (first) after = wiredInside(after, types, into, first)
  return { doc: fitLoops(after, types), cut: doc.edges.length - edges.length, into }
}
