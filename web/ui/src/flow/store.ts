// The document on the canvas with its history: a drag, a paste, a burst of typing are one entry each.
import { applyEdgeChanges, applyNodeChanges } from '@xyflow/react'
import type { Edge, EdgeChange, Node, NodeChange } from '@xyflow/react'
import { create } from 'zustand'
import type { Canvas, CanvasEdge, CanvasNode, StepData, Value } from '../api/types'
import { acts } from './acts'
import { alike } from '../lib/alike'
import { draftOf, forget, keep } from './draft'
import type { Draft } from './draft'
import { bare, copied, pasted, refusal, wired, without } from './graph'
import type { Doc, Point, Types, Wire } from './graph'
import { nodeOf } from './lookup'
import { dropped, fitLoops, isLoop } from './nest'
import { isGroup, makeGroup, withMembers } from './notes'

export type StepNode = Node<StepData> & CanvasNode
export type StepEdge = Edge & CanvasEdge
type Shown = { nodes: StepNode[]; edges: StepEdge[] }
const DEPTH = 100
const BURST_MS = 1_000
const KEEP_MS = 300
const SENT = 4

type State = Shown & {
  flowId: string
  viewport: Value | undefined
  rest: Record<string, unknown>
  version: number
  /** What is stored at that version: the other side of a comparison, and what a merge starts from. */
  base: Doc
  /** What was sent to be stored since the last answer: none of it is somebody else's, when it is found stored. */
  sent: Doc[]
  /** Goes up with each change of the document, not with selections and measures. */
  revision: number
  dirty: boolean
  past: Doc[]
  future: Doc[]
}
const NOTHING: State = {
  flowId: '',
  nodes: [],
  edges: [],
  viewport: undefined,
  rest: {},
  version: 0,
  base: { nodes: [], edges: [] },
  sent: [],
  revision: 0,
  dirty: false,
  past: [],
  future: [],
}
export const useDoc = create<State>(() => NOTHING)

let burst = { key: '', at: 0 }
const doc = (): Doc => ({ nodes: useDoc.getState().nodes, edges: useDoc.getState().edges })
const put = (next: Doc, more: Partial<State> = {}) =>
  useDoc.setState(({ revision }) => ({ ...(next as Shown), ...more, dirty: true, revision: revision + 1 }))

/** Show a canvas. What a reload left unsaved comes back, or a given draft, and is told; with it the acts that can be undone. */
export function show(flowId: string, canvas: Canvas, types: Types, given?: Draft): boolean {
  if (writing) write()
  const { nodes, edges, viewport, row_version, ...others } = canvas
  const { updated_at: _at, ...rest } = others as Record<string, unknown>
  const stored: Doc = { nodes: nodes.map((node) => (node.data ? node : { ...node, data: {} as StepData })), edges }
  const draft = given ?? draftOf(flowId)
  const ours = draft && (draft.dirty || draft.version === row_version) ? draft : null
  const arrived = isOneOf(ours?.sent ?? [], stored)
  const dirty = Boolean(ours?.dirty) && !(arrived && ours && sameDoc(ours.doc, stored))
  const behind = dirty && !arrived && ours ? ours : null
  useDoc.setState({
    ...NOTHING,
    ...(fitLoops(ours?.doc ?? stored, types) as Shown),
    flowId,
    viewport,
    rest,
    dirty,
    version: behind?.version ?? row_version,
    base: behind?.base ?? stored,
    sent: behind?.sent ?? [],
    past: ours?.past ?? [],
    future: ours?.future ?? [],
    revision: useDoc.getState().revision + 1,
  })
  return dirty
}

const bared = ({ nodes, edges }: Doc) => [nodes.map(bare), edges.map(bare)]
/** Whether two documents say the same, whatever the order of their settings. */
export const sameDoc = (a: Doc, b: Doc) => alike(bared(a), bared(b))

let writing: ReturnType<typeof setTimeout> | undefined
function write() {
  const { flowId, version, dirty, past, future, base, sent } = useDoc.getState()
  clearTimeout(writing)
  writing = undefined
  if (flowId && (dirty || past.length)) keep(flowId, { version, dirty, doc: doc(), base, sent, past, future })
  else if (flowId) forget(flowId)
}
addEventListener('pagehide', () => {
  if (writing) write()
})
useDoc.subscribe((now, before) => {
  if (now.flowId !== before.flowId || (now.revision === before.revision && now.version === before.version)) return
  clearTimeout(writing)
  writing = setTimeout(write, KEEP_MS)
})

/** What is stored. */
export function document({ nodes, edges, viewport, rest }: State = useDoc.getState()): Omit<Canvas, 'row_version'> {
  return { ...rest, nodes: nodes.map(bare), edges: edges.map(bare), ...(viewport ? { viewport } : {}) }
}

export const isOneOf = (sent: readonly Doc[], stored: Doc) => sent.some((one) => sameDoc(one, stored))

/** A document goes out to be stored; those before it come back, whose answers never came. */
export function sending(flow: string, { nodes, edges }: Doc): Doc[] {
  const { flowId, sent } = useDoc.getState()
  if (flowId !== flow) return []
  useDoc.setState({ sent: [...sent.slice(1 - SENT), { nodes, edges }] })
  write()
  return sent
}

/** A flow was saved as it stood at a revision; what changed since is still to be saved. At once told to the draft. */
export function saved(flow: string, version: number, { nodes, edges, revision: at }: Doc & { revision: number }) {
  if (useDoc.getState().flowId !== flow) return forget(flow)
  useDoc.setState(({ revision }) => ({ version, base: { nodes, edges }, sent: [], dirty: revision !== at }))
  write()
}

/** Ours is not wanted any more. */
export function dropDraft() {
  clearTimeout(writing)
  forget(useDoc.getState().flowId)
  useDoc.setState({ dirty: false, past: [], future: [] })
}

/** Remember the document before an act; acts with the same key in a burst share one entry. */
export function checkpoint(key = '') {
  const now = Date.now()
  const joined = key !== '' && burst.key === key && now - burst.at < BURST_MS
  burst = { key, at: now }
  if (!joined) useDoc.setState(({ past }) => ({ past: [...past.slice(-DEPTH + 1), doc()], future: [] }))
}

export function change(next: Partial<Doc>, key = '') {
  checkpoint(key)
  put({ ...doc(), ...next })
}

export function undo() {
  const { past, future } = useDoc.getState()
  const before = past.at(-1)
  if (before) put(before, { past: past.slice(0, -1), future: [doc(), ...future] })
  burst = { key: '', at: 0 }
}
export function redo() {
  const { past, future } = useDoc.getState()
  const [next, ...later] = future
  if (next) put(next, { past: [...past, doc()], future: later })
  burst = { key: '', at: 0 }
}

/** What React Flow tells: selections and measures are no change of the document, a drag was remembered at its start. */
export function nodeChanges(changes: NodeChange<StepNode>[]) {
  const quiet = changes.filter((one) => one.type !== 'remove')
  const moved = quiet.some(
    (one) => (one.type === 'position' && one.position) || (one.type === 'dimensions' && one.setAttributes),
  )
  useDoc.setState(({ nodes, dirty, revision }) => ({
    nodes: applyNodeChanges(carried.size ? [...quiet, ...carry(nodes, quiet)] : quiet, nodes),
    dirty: dirty || moved,
    revision: moved ? revision + 1 : revision,
  }))
}
export function edgeChanges(changes: EdgeChange<StepEdge>[]) {
  useDoc.setState(({ edges }) => ({
    edges: applyEdgeChanges(
      changes.filter((one) => one.type !== 'remove'),
      edges,
    ),
  }))
}

/** Groups that are dragged take along what is in them. */
let carried = new Map<string, string>()
export function startDrag(ids: string[]) {
  checkpoint()
  const dragged = new Set(ids)
  carried = new Map()
  for (const id of ids) {
    if (!isGroup(nodeOf(doc(), id))) continue
    for (const member of withMembers(doc(), new Set([id]))) if (!dragged.has(member)) carried.set(member, id)
  }
}
function carry(nodes: StepNode[], changes: NodeChange<StepNode>[]): NodeChange<StepNode>[] {
  const by = new Map<string, Point>()
  for (const one of changes) {
    const node = one.type === 'position' && one.position ? nodeOf({ nodes }, one.id) : undefined
    if (node && one.type === 'position' && one.position)
      by.set(one.id, { x: one.position.x - node.position.x, y: one.position.y - node.position.y })
  }
  return [...carried].flatMap(([id, group]) => {
    const node = nodeOf({ nodes }, id)
    const shift = by.get(group)
    return node && shift
      ? [{ id, type: 'position' as const, position: { x: node.position.x + shift.x, y: node.position.y + shift.y } }]
      : []
  })
}

export const selectedIds = () =>
  new Set(
    useDoc
      .getState()
      .nodes.filter((node) => node.selected)
      .map((node) => node.id),
  )
export const selectedEdges = () =>
  new Set(
    useDoc
      .getState()
      .edges.filter((edge) => edge.selected)
      .map((edge) => edge.id),
  )

/** Select these; a single one is brought into view. */
export function select(ids: Iterable<string>) {
  const wanted = new Set(ids)
  useDoc.setState(({ nodes, edges }) => ({
    nodes: nodes.map((node) =>
      Boolean(node.selected) === wanted.has(node.id) ? node : { ...node, selected: wanted.has(node.id) },
    ),
    edges: edges.some((edge) => edge.selected)
      ? edges.map((edge) => (edge.selected ? { ...edge, selected: false } : edge))
      : edges,
  }))
  const [only] = wanted
  if (only && wanted.size === 1) acts.reveal(only, true)
}

export const setData = (id: string, data: Partial<StepData>, key: string) => setAll([id], data, `${id}:${key}`)
export function setAll(ids: Iterable<string>, data: Partial<StepData>, key = '') {
  const wanted = new Set(ids)
  change(
    {
      nodes: useDoc
        .getState()
        .nodes.map((node) => (wanted.has(node.id) ? { ...node, data: { ...node.data, ...data } } : node)),
    },
    key,
  )
}

/** Move the selected steps, groups with what is in them; keys held down are one entry. */
export function moveSelected(types: Types, by: Point) {
  const all = withMembers(doc(), selectedIds())
  if (!all.size) return
  const outer = (node: CanvasNode) => all.has(node.id) && !(node.parentId && all.has(node.parentId))
  const nodes = useDoc
    .getState()
    .nodes.map((node) =>
      outer(node) ? { ...node, position: { x: node.position.x + by.x, y: node.position.y + by.y } } : node,
    )
  change(fitLoops({ ...doc(), nodes }, types), 'move')
}

/** Connect, or say why not. */
export function connect(types: Types, wire: Wire): string {
  const reason = refusal(doc(), types, wire)
  if (!reason) change({ edges: [...doc().edges, wired(wire)] })
  return reason
}

/** Steps that were dragged are where they were dropped: in the loop under them, or out of theirs. The drag is the undo entry. */
export function settleDrag(types: Types, ids: string[]): { cut: number; into: string } {
  carried = new Map()
  const found = dropped(doc(), types, new Set(ids))
  put(found.doc)
  return found
}

/** A loop that was resized is never smaller than what is inside. */
export const settleSize = (types: Types) => put(fitLoops(doc(), types))
export const loopOf = (types: Types, id: string) => isLoop(types, nodeOf(useDoc.getState(), id))

export function deleteSelected(types: Types): number {
  const nodes = selectedIds()
  const edges = selectedEdges()
  if (nodes.size + edges.size) change(without(doc(), types, nodes, edges))
  return nodes.size + edges.size
}

export const copySelected = () => (selectedIds().size ? copied(doc(), selectedIds()) : '')

/** Add copied steps and select them; false when the text holds none. */
export function paste(types: Types, text: string, center: Point, shift = { x: 40, y: 90 }): boolean {
  const more = pasted(doc(), types, text, shift, center)
  if (!more) return false
  const { nodes, edges } = doc()
  change(fitLoops({ nodes: [...nodes, ...more.nodes], edges: [...edges, ...more.edges] }, types))
  const inner = new Set(more.nodes.map((node) => node.id))
  select(more.nodes.filter((node) => !node.parentId || !inner.has(node.parentId)).map((node) => node.id))
  return true
}

/** A frame around the selected steps; false when they are of several levels. */
export function groupSelected(types: Types, label: string): boolean {
  const made = makeGroup(doc(), selectedIds(), label)
  if (!made) return false
  change(fitLoops({ ...doc(), nodes: [made, ...doc().nodes] }, types))
  select([made.id])
  return true
}

/** Frames go, what they hold stays; of a selected step it is the frame around it. */
export function ungroupSelected(): boolean {
  const chosen = selectedIds()
  const frames = doc().nodes.filter(
    (node) =>
      isGroup(node)
      && (chosen.has(node.id) || [...withMembers(doc(), new Set([node.id]))].some((id) => chosen.has(id))),
  )
  const gone = new Set(frames.map((node) => node.id))
  if (gone.size) change({ nodes: doc().nodes.filter((node) => !gone.has(node.id)) })
  return gone.size > 0
}

export const add = (types: Types, node: CanvasNode) => {
  change(fitLoops({ ...doc(), nodes: [...doc().nodes, node] }, types))
  select([node.id])
}

/** Disabled together, or enabled where all are. A loop stands for what is inside. */
export function toggleDisabled() {
  const chosen = selectedIds()
  const steps = doc().nodes.filter((node) => chosen.has(node.id) && 'nodeType' in node.data)
  if (steps.length)
    setAll(
      steps.map((node) => node.id),
      { disabled: !steps.every((node) => node.data.disabled) },
    )
}
export const selectAll = () => select(doc().nodes.map((node) => node.id))
