// The document on the canvas with its history: a drag, a paste, a burst of typing are one entry each.
import { applyEdgeChanges, applyNodeChanges } from '@xyflow/react'
import type { Edge, EdgeChange, Node, NodeChange } from '@xyflow/react'
import { create } from 'zustand'
import type { Canvas, CanvasEdge, CanvasNode, StepData, Value } from '../api/types'
import type { Doc, Types, Wire } from './graph'
import { dropped, fitLoops, isLoop } from './nest'
import { bare, copied, pasted, refusal, wired, without } from './graph'

export type StepNode = Node<StepData> & CanvasNode
export type StepEdge = Edge & CanvasEdge
const DEPTH = 100
const BURST_MS = 1_000

type State = {
  flowId: string
  nodes: StepNode[]
  edges: StepEdge[]
  viewport: Value | undefined
  rest: Record<string, unknown>
  version: number
  dirty: boolean
  past: Doc[]
  future: Doc[]
}
const NOTHING: State = { flowId: '', nodes: [], edges: [], viewport: undefined, rest: {}, version: 0, dirty: false, past: [], future: [] }
export const useDoc = create<State>(() => NOTHING)

let burst = { key: '', at: 0 }
const doc = (): Doc => ({ nodes: useDoc.getState().nodes, edges: useDoc.getState().edges })
const draftKey = (flowId: string) => `headrace.draft.${flowId}`

/** Show a canvas; an unsaved draft of the same version, left by a reload, comes back. Answers whether one did. */
export function show(flowId: string, canvas: Canvas, types: Types): boolean {
  const { nodes, edges, viewport, row_version, ...others } = canvas
  const { updated_at: _at, ...rest } = others as Record<string, unknown>
  const draft = draftOf(flowId, row_version)
  const shown = fitLoops(draft ?? { nodes, edges }, types) as Pick<State, 'nodes' | 'edges'>
  useDoc.setState({ ...NOTHING, ...shown, flowId, viewport, rest, version: row_version, dirty: Boolean(draft) })
  return Boolean(draft)
}

function draftOf(flowId: string, version: number): Doc | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(draftKey(flowId)) ?? 'null') as (Doc & { version: number }) | null
    return found && found.version === version ? { nodes: found.nodes, edges: found.edges } : null
  } catch {
    return null
  }
}

export const forget = (flowId: string) => sessionStorage.removeItem(draftKey(flowId))
let writing: ReturnType<typeof setTimeout> | undefined
useDoc.subscribe((now, before) => {
  if (now.nodes === before.nodes && now.edges === before.edges && now.dirty === before.dirty) return
  clearTimeout(writing)
  if (now.flowId && now.dirty) writing = setTimeout(() => keep(now), 300)
})
function keep({ flowId, version }: State) {
  const { nodes, edges, dirty } = useDoc.getState()
  if (!dirty || useDoc.getState().flowId !== flowId) return
  try {
    sessionStorage.setItem(draftKey(flowId), JSON.stringify({ nodes: nodes.map(bare), edges: edges.map(bare), version }))
  } catch {
    forget(flowId)
  }
}

/** What is stored. */
export function document(): Omit<Canvas, 'row_version'> {
  const { nodes, edges, viewport, rest } = useDoc.getState()
  return { ...rest, nodes: nodes.map(bare), edges: edges.map(bare), ...(viewport ? { viewport } : {}) }
}

export function saved(version: number, was: Pick<State, 'nodes' | 'edges'>) {
  const now = useDoc.getState()
  const same = now.nodes === was.nodes && now.edges === was.edges
  useDoc.setState({ version, dirty: !same })
  if (same) forget(now.flowId)
}

/** Remember the document before an act; acts with the same key in a burst share one entry. */
export function checkpoint(key = '') {
  const now = Date.now()
  const joined = key !== '' && burst.key === key && now - burst.at < BURST_MS
  burst = { key, at: now }
  if (joined) return
  useDoc.setState(({ past }) => ({ past: [...past.slice(-DEPTH + 1), doc()], future: [], dirty: true }))
}

export function change(next: Partial<Doc>, key = '') {
  checkpoint(key)
  useDoc.setState({ ...(next as Partial<State>), dirty: true })
}

export function undo() {
  const { past, future } = useDoc.getState()
  const before = past.at(-1)
  if (before) useDoc.setState({ ...(before as Pick<State, 'nodes' | 'edges'>), past: past.slice(0, -1), future: [doc(), ...future], dirty: true })
  burst = { key: '', at: 0 }
}
export function redo() {
  const { past, future } = useDoc.getState()
  const [next, ...later] = future
  if (next) useDoc.setState({ ...(next as Pick<State, 'nodes' | 'edges'>), past: [...past, doc()], future: later, dirty: true })
  burst = { key: '', at: 0 }
}

/** What React Flow tells: selections and measures are no change of the document, a drag was remembered at its start. */
export function nodeChanges(changes: NodeChange<StepNode>[]) {
  const quiet = changes.filter((one) => one.type !== 'remove')
  const moved = quiet.some((one) => (one.type === 'position' && one.position) || (one.type === 'dimensions' && one.setAttributes))
  useDoc.setState(({ nodes, dirty }) => ({ nodes: applyNodeChanges(quiet, nodes), dirty: dirty || moved }))
}
export function edgeChanges(changes: EdgeChange<StepEdge>[]) {
  useDoc.setState(({ edges }) => ({ edges: applyEdgeChanges(changes.filter((one) => one.type !== 'remove'), edges) }))
}

export const selectedIds = () => new Set(useDoc.getState().nodes.filter((node) => node.selected).map((node) => node.id))
export const selectedEdges = () => new Set(useDoc.getState().edges.filter((edge) => edge.selected).map((edge) => edge.id))

export function select(ids: Iterable<string>) {
  const wanted = new Set(ids)
  useDoc.setState(({ nodes, edges }) => ({
    nodes: nodes.map((node) => (Boolean(node.selected) === wanted.has(node.id) ? node : { ...node, selected: wanted.has(node.id) })),
    edges: edges.map((edge) => (edge.selected ? { ...edge, selected: false } : edge)),
  }))
}

export function setData(id: string, data: Partial<StepData>, key: string) {
  change({ nodes: useDoc.getState().nodes.map((node) => (node.id === id ? { ...node, data: { ...node.data, ...data } } : node)) }, `${id}:${key}`)
}

/** Connect, or say why not. */
export function connect(types: Types, wire: Wire): string {
  const reason = refusal(doc(), types, wire)
  if (!reason) change({ edges: [...doc().edges, wired(wire)] })
  return reason
}

/** Steps that were dragged are where they were dropped: in the loop under them, or out of theirs. The drag is the undo entry. */
export function settleDrag(types: Types, ids: string[]): { cut: number; into: string } {
  const found = dropped(doc(), types, new Set(ids))
  useDoc.setState(found.doc as Pick<State, 'nodes' | 'edges'>)
  return found
}

/** A loop that was resized is never smaller than what is inside. */
export const settleSize = (types: Types) => useDoc.setState(fitLoops(doc(), types) as Pick<State, 'nodes' | 'edges'>)
export const loopOf = (types: Types, id: string) => isLoop(types, useDoc.getState().nodes.find((node) => node.id === id))

export function deleteSelected(types: Types): number {
  const nodes = selectedIds()
  const edges = selectedEdges()
  if (nodes.size + edges.size) change(without(doc(), types, nodes, edges))
  return nodes.size + edges.size
}

export const copySelected = () => (selectedIds().size ? copied(doc(), selectedIds()) : '')

/** Add copied steps and select them; false when the text holds none. */
export function paste(types: Types, text: string, shift = { x: 40, y: 90 }): boolean {
  const more = pasted(doc(), types, text, shift)
  if (!more?.nodes.length) return false
  const { nodes, edges } = doc()
  change(fitLoops({ nodes: [...nodes, ...more.nodes], edges: [...edges, ...more.edges] }, types))
  const inner = new Set(more.nodes.map((node) => node.id))
  select(more.nodes.filter((node) => !node.parentId || !inner.has(node.parentId)).map((node) => node.id))
  return true
}
