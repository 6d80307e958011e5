// What a reload must not lose: the document as it stands and the acts that can be undone, in the session's storage.
// What the end of the browser must not lose is kept beside it, without those acts.
import type { CanvasEdge, CanvasNode } from '../api/types'
import { owner } from './owner'
import { bare } from './graph'
import type { Doc } from './graph'
import { delta, patched, trail, walked } from './history'
import type { Delta } from './history'

export type Kept = {
  owner: string
  version: number
  dirty: boolean
  nodes: CanvasNode[]
  edges: CanvasEdge[]
  past: Delta[]
  future: Delta[]
  base?: Delta
  sent?: Delta[]
}
export type Draft = { version: number; dirty: boolean; doc: Doc; base: Doc; sent: Doc[]; past: Doc[]; future: Doc[] }
const ROOM = 2_000_000
const copies = () => import('./copies')
const key = (flowId: string) => `headrace.draft.${flowId}`

export function draftOf(flowId: string): Draft | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key(flowId)) ?? 'null') as Kept | null
    return kept?.owner === owner() ? unpacked(kept) : null
  } catch {
    return null
  }
}

export function unpacked(kept: Kept): Draft {
  const doc = { nodes: kept.nodes, edges: kept.edges }
  return {
    version: kept.version,
    dirty: kept.dirty,
    doc,
    base: kept.base ? patched(doc, kept.base) : doc,
    sent: (kept.sent ?? []).map((one) => patched(doc, one)),
    past: walked(doc, kept.past ?? []).reverse(),
    future: walked(doc, kept.future ?? []),
  }
}

/** Keep a draft; where there is no room for all of it the oldest acts go first. */
export function keep(flowId: string, { version, dirty, doc, base, sent, past, future }: Draft) {
  const bared: Kept = {
    owner: owner(),
    version,
    dirty,
    nodes: doc.nodes.map(bare),
    edges: doc.edges.map(bare),
    base: delta(doc, base),
    sent: sent.map((one) => delta(doc, one)),
    past: [],
    future: [],
  }
  const whole: Kept = { ...bared, past: within(trail(doc, [...past].reverse())), future: within(trail(doc, future)) }
  void copies().then((all) => (dirty ? all.keepCopy(flowId, bared) : all.dropCopy(flowId)))
  for (const one of [whole, bared]) {
    try {
      return sessionStorage.setItem(key(flowId), JSON.stringify(one))
    } catch {
      sessionStorage.removeItem(key(flowId))
    }
  }
}

function within(deltas: Delta[]): Delta[] {
  let size = 0
  const end = deltas.findIndex((one) => (size += JSON.stringify(one).length) > ROOM)
  return end < 0 ? deltas : deltas.slice(0, end)
}

export function forget(flowId: string) {
  sessionStorage.removeItem(key(flowId))
  void copies().then((all) => all.dropCopy(flowId))
}
