// Where to look: the first view, the middle of something, the next step in a direction. Pure.
import type { Viewport } from '@xyflow/react'
import type { CanvasNode } from '../api/types'
import { isStep } from './graph'
import type { Doc, Point } from './graph'
import { nodeOf } from './lookup'
import { sizeOf } from './nest'
import { middleOf } from './notes'

export const READABLE = 0.72
export const FAR = 0.35
const MARGIN = 48

/** The corners of all that is on the outermost level. */
export function bounds(nodes: readonly CanvasNode[]) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity }
  for (const node of nodes) {
    if (node.parentId) continue
    const { width, height } = sizeOf(node)
    box.left = Math.min(box.left, node.position.x)
    box.top = Math.min(box.top, node.position.y)
    box.right = Math.max(box.right, node.position.x + width)
    box.bottom = Math.max(box.bottom, node.position.y + height)
  }
  return box
}

/** The view in which labels can be read: everything if it fits, else from the first step. */
export function fitted(nodes: readonly CanvasNode[], width: number, height: number): Viewport {
  if (!nodes.length || !width) return { x: MARGIN, y: MARGIN, zoom: 1 }
  const { left, top, right, bottom } = bounds(nodes)
  const left0 = width > 700 ? 88 : MARGIN / 2
  const wanted = Math.min((width - left0 - MARGIN) / (right - left), (height - 2 * MARGIN) / (bottom - top))
  const zoom = Math.max(READABLE, Math.min(1, wanted))
  const spareX = width - left0 - MARGIN - (right - left) * zoom
  const spareY = height - (bottom - top) * zoom
  const view = { zoom, x: left0 + Math.max(0, spareX / 2) - left * zoom, y: Math.max(MARGIN, spareY / 2) - top * zoom }
  return spareX >= 0 && spareY >= 0 ? view : withFirst(nodes, view, height)
}

/** Too much for one view: the first step is in it, at the left. */
function withFirst(nodes: readonly CanvasNode[], view: Viewport, height: number): Viewport {
  const first = nodes
    .filter((node) => isStep(node) && !node.parentId)
    .reduce<CanvasNode | undefined>(
      (best, node) =>
        !best
        || node.position.x < best.position.x
        || (node.position.x === best.position.x && node.position.y < best.position.y)
          ? node
          : best,
      undefined,
    )
  if (!first) return view
  const y = first.position.y * view.zoom + view.y
  return y > MARGIN / 2 && y < height - 2 * MARGIN
    ? view
    : { ...view, y: height / 2 - (first.position.y + sizeOf(first).height / 2) * view.zoom }
}

export const centred = (at: Point, width: number, height: number, zoom: number): Viewport => ({
  zoom,
  x: width / 2 - at.x * zoom,
  y: height / 2 - at.y * zoom,
})

/** The step to go to from another: the nearest in that direction; from nowhere the first. */
export function toward(doc: Doc, from: string | undefined, by: Point): string | undefined {
  const start = nodeOf(doc, from)
  const steps = doc.nodes.filter((node) => node !== start)
  if (!start) return [...steps].sort((a, b) => a.position.x - b.position.x || a.position.y - b.position.y)[0]?.id
  const here = middleOf(doc, start)
  let best = { id: undefined as string | undefined, cost: Infinity }
  for (const node of steps) {
    const there = middleOf(doc, node)
    const along = (there.x - here.x) * by.x + (there.y - here.y) * by.y
    const aside = Math.abs((there.x - here.x) * by.y) + Math.abs((there.y - here.y) * by.x)
    const cost = along + 2 * aside
    if (along > 0 && cost < best.cost) best = { id: node.id, cost }
  }
  return best.id
}
