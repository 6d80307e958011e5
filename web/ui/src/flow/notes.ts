// Sticky notes and groups: nodes of the canvas that no execution knows. A group holds what lies in its frame. Pure.
import type { CanvasNode, StepData } from '../api/types'
import { newId } from './graph'
import type { Doc, Point } from './graph'
import { nodeOf } from './lookup'
import { absolute, sizeOf } from './nest'

export const COLOURS = ['yellow', 'blue', 'green', 'rose', 'violet', 'grey'] as const
export type Layout = { label: string; text?: string; color: string }
const NOTE = { width: 220, height: 110 }
export const FRAME = 22
export const TITLE = 36

export const isNote = (node: CanvasNode | undefined) => node?.type === 'note' && isLayout(node)
export const isGroup = (node: CanvasNode | undefined) => node?.type === 'group' && isLayout(node)
export const isLayout = (node: CanvasNode | undefined) => Boolean(node) && !('nodeType' in (node?.data ?? {}))
export const layoutOf = (node: CanvasNode) => node.data as unknown as Layout
const data = (layout: Layout) => layout as unknown as StepData

export const makeNote = (position: Point): CanvasNode => ({
  id: newId(),
  type: 'note',
  position,
  ...NOTE,
  data: data({ label: '', text: '', color: 'yellow' }),
})

/** A frame around steps of one level; nothing when they are of several. */
export function makeGroup(doc: Doc, ids: Set<string>, label: string): CanvasNode | undefined {
  const held = doc.nodes.filter((node) => ids.has(node.id) && !(node.parentId && ids.has(node.parentId)))
  const [first] = held
  if (!first || held.some((node) => node.parentId !== first.parentId)) return undefined
  return {
    id: newId(),
    type: 'group',
    ...around(held),
    ...(first.parentId ? { parentId: first.parentId } : {}),
    data: data({ label, color: 'blue' }),
  }
}

/** The frame that holds these nodes, with room for its title. */
function around(held: CanvasNode[]) {
  const left = Math.min(...held.map((node) => node.position.x)) - FRAME
  const top = Math.min(...held.map((node) => node.position.y)) - FRAME - TITLE
  const right = Math.max(...held.map((node) => node.position.x + sizeOf(node).width)) + FRAME
  const bottom = Math.max(...held.map((node) => node.position.y + sizeOf(node).height)) + FRAME
  return { position: { x: left, y: top }, width: right - left, height: bottom - top }
}

/** What lies in the frame of a group: everything of its level whose middle is in it; a smaller group too. */
export function membersOf(doc: Doc, group: CanvasNode): CanvasNode[] {
  const { width, height } = sizeOf(group)
  const { x, y } = group.position
  return doc.nodes.filter((node) => {
    if (node === group || (node.parentId ?? '') !== (group.parentId ?? '')) return false
    const size = sizeOf(node)
    if (isGroup(node) && size.width * size.height >= width * height) return false
    const middle = { x: node.position.x + size.width / 2, y: node.position.y + size.height / 2 }
    return middle.x > x && middle.x < x + width && middle.y > y && middle.y < y + height
  })
}

/** These nodes, and what is in the groups among them. */
export function withMembers(doc: Doc, ids: Set<string>): Set<string> {
  const found = new Set(ids)
  for (const id of ids) {
    const node = nodeOf(doc, id)
    if (node && isGroup(node)) membersOf(doc, node).forEach((one) => found.add(one.id))
  }
  return found
}

/** Frames that still hold their members after an act moved them; `joined` are new nodes by the member they belong to. */
export function regrouped(before: Doc, after: Doc, joined = new Map<string, string>(), tight = false): Doc {
  const groups = before.nodes.filter((node) => isGroup(node) && nodeOf(after, node.id))
  if (!groups.length) return after
  const frames = new Map<string, Partial<CanvasNode>>()
  for (const group of groups) {
    const members = new Set(membersOf(before, group).map((node) => node.id))
    for (const [id, beside] of joined) if (members.has(beside)) members.add(id)
    const held = after.nodes.filter((node) => members.has(node.id) && !isGroup(node))
    if (!held.length) continue
    const frame = around(held)
    frames.set(group.id, tight ? frame : grown(group, frame))
  }
  return {
    edges: after.edges,
    nodes: after.nodes.map((node) => (frames.has(node.id) ? { ...node, ...frames.get(node.id) } : node)),
  }
}

function grown(group: CanvasNode, frame: ReturnType<typeof around>) {
  const size = sizeOf(group)
  const x = Math.min(group.position.x, frame.position.x)
  const y = Math.min(group.position.y, frame.position.y)
  const right = Math.max(group.position.x + size.width, frame.position.x + frame.width)
  const bottom = Math.max(group.position.y + size.height, frame.position.y + frame.height)
  return { position: { x, y }, width: right - x, height: bottom - y }
}

/** Notes go with the step that was nearest to them, after the steps were arranged. */
export function followed(before: Doc, after: Doc): Doc {
  const notes = before.nodes.filter(isNote)
  if (!notes.length) return after
  const steps = before.nodes.filter((node) => !isLayout(node))
  const places = new Map(
    notes.flatMap((note) => {
      const mine = steps.filter((step) => (step.parentId ?? '') === (note.parentId ?? ''))
      const nearest = mine.reduce<CanvasNode | undefined>(
        (best, step) => (!best || apart(note, step) < apart(note, best) ? step : best),
        undefined,
      )
      const now = nearest && nodeOf(after, nearest.id)
      return now && nearest
        ? [
            [
              note.id,
              {
                x: note.position.x + now.position.x - nearest.position.x,
                y: note.position.y + now.position.y - nearest.position.y,
              },
            ] as const,
          ]
        : []
    }),
  )
  const others = after.nodes.filter((node) => !isNote(node))
  return {
    edges: after.edges,
    nodes: after.nodes.map((node) =>
      isNote(node) ? aside({ ...node, position: places.get(node.id) ?? node.position }, others) : node,
    ),
  }
}

/** A note that would cover something goes above it. */
function aside(note: CanvasNode, others: CanvasNode[], left = 8): CanvasNode {
  const { width, height } = sizeOf(note)
  const { x, y } = note.position
  const hit = others.find((node) => {
    const size = sizeOf(node)
    const over =
      (node.parentId ?? '') === (note.parentId ?? '')
      && x < node.position.x + size.width
      && node.position.x < x + width
      && y < node.position.y + size.height
      && node.position.y < y + height
    return over && !(isGroup(node) && membersOf({ nodes: [node, note], edges: [] }, node).length)
  })
  return hit && left ? aside({ ...note, position: { x, y: hit.position.y - height - FRAME } }, others, left - 1) : note
}

const apart = (a: CanvasNode, b: CanvasNode) => Math.hypot(a.position.x - b.position.x, a.position.y - b.position.y)

/** The smallest group around a step, '' for none. */
export function groupOf(doc: Doc, groups: CanvasNode[], node: CanvasNode): string {
  const holding = groups.filter((group) => membersOf({ nodes: [group, node], edges: doc.edges }, group).length)
  return holding.sort((a, b) => sizeOf(a).width * sizeOf(a).height - sizeOf(b).width * sizeOf(b).height)[0]?.id ?? ''
}

/** Where the middle of a node is on the whole canvas. */
export function middleOf(doc: Doc, node: CanvasNode): Point {
  const at = absolute(doc, node)
  const { width, height } = sizeOf(node)
  return { x: at.x + width / 2, y: at.y + Math.min(height, 400) / 2 }
}
