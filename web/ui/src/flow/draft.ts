// What a reload must not lose: the document as it stands and the acts that can be undone, in the session's storage.
import type { CanvasEdge, CanvasNode } from '../api/types'
import { bare } from './graph'
import type { Doc } from './graph'
import { delta, patched, trail, walked } from './history'
import type { Delta } from './history'

type Kept = { version: number; dirty: boolean; nodes: CanvasNode[]; edges: CanvasEdge[]; past: Delta[]; future: Delta[]; base?: Delta; sent?: Delta[] }
export type Draft = { version: number; dirty: boolean; doc: Doc; base: Doc; sent: Doc[]; past: Doc[]; future: Doc[] }
const ROOM = 2_000_000
const key = (flowId: string) => `headrace.draft.${flowId}`

export function draftOf(flowId: string): Draft | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key(flowId)) ?? 'null') as Kept | null
    if (!kept) return null
    const doc = { nodes: kept.nodes, edges: kept.edges }
    return { version: kept.version, dirty: kept.dirty, doc, base: kept.base ? patched(doc, kept.base) : doc, sent: (kept.sent ?? []).map((one) => patched(doc, one)), past: walked(doc, kept.past ?? []).reverse(), future: walked(doc, kept.future ?? []) }
  } catch {
    return null
  }
}

/** Keep a draft; where there is no room for all of it the oldest acts go first. */
export function keep(flowId: string, { version, dirty, doc, base, sent, past, future }: Draft) {
  const kept: Kept = { version, dirty, nodes: doc.nodes.map(bare), edges: doc.edges.map(bare), base: delta(doc, base), sent: sent.map((one) => delta(doc, one)), past: within(trail(doc, [...past].reverse())), future: within(trail(doc, future)) }
  for (const one of [kept, { ...kept, past: [], future: [] }]) {
    try {
      return sessionStorage.setItem(key(flowId), JSON.stringify(one))
    } catch {
      forget(flowId)
    }
  }
}

function within(deltas: Delta[]): Delta[] {
  let size = 0
  const end = deltas.findIndex((one) => (size += JSON.stringify(one).length) > ROOM)
  return end < 0 ? deltas : deltas.slice(0, end)
}

export const forget = (flowId: string) => sessionStorage.removeItem(key(flowId))
