// The execution that the page shows, apart from the document; events are taken in batches.
import { create } from 'zustand'
import { get, post } from '../api/client'
import { client } from '../api/queries'
import { subscribe } from '../api/socket'
import type { Message } from '../api/socket'
import type { Children, Execution, NodeExecution, Wait } from '../api/types'

export type Live = Partial<NodeExecution> & { node_id: string; status: string }
type State = {
  execution: Execution | null
  nodes: Record<string, Live>
  children: Children[]
  waits: Wait[]
  live: boolean
}
const NOTHING: State = { execution: null, nodes: {}, children: [], waits: [], live: false }
const BATCH_MS = 60
const LOOK_MS = 1_500
export const ENDED = new Set(['completed', 'failed', 'cancelled', 'timed_out'])
const isOver = (execution: Execution) => ENDED.has(execution.status) && execution.compensation !== 'running'

export const useRun = create<State>(() => NOTHING)
let stop: () => void = () => undefined
let watched = ''

/** Show an execution, live while it runs. */
export async function watch(id: string): Promise<void> {
  leave()
  watched = id
  const read = await stored(id)
  if (watched !== id) return
  useRun.setState(read)
  if (read.live) {
    stop = subscribe(`execution:${id}`, queue)
    look(id)
  }
}

export function leave() {
  stop()
  stop = () => undefined
  watched = ''
  waiting = []
  clearTimeout(looking)
  useRun.setState(NOTHING)
}

/** All that is stored of an execution, with what it waits for and what it has started. */
async function stored(id: string): Promise<State> {
  const [execution, nodes, children, waits] = await Promise.all([
    get<Execution>(`/executions/${id}`),
    get<NodeExecution[]>(`/executions/${id}/nodes`),
    get<Children[]>(`/executions/${id}/children`),
    get<Wait[]>(`/executions/${id}/waits`),
  ])
  return {
    execution,
    children,
    waits,
    nodes: Object.fromEntries(nodes.map((node) => [node.node_id, node])),
    live: !isOver(execution),
  }
}

/** While steps wait, look now and then: their children's progress is told on channels of their own. */
let looking: ReturnType<typeof setTimeout> | undefined
function look(id: string) {
  clearTimeout(looking)
  looking = setTimeout(() => {
    if (watched !== id || !useRun.getState().live) return
    const { nodes, execution } = useRun.getState()
    if (execution?.compensation === 'running' || Object.values(nodes).some((node) => node.status === 'parked'))
      void settle(id, false)
    look(id)
  }, LOOK_MS)
}

/** Read the state of the execution that is shown once more, after an act of ours. */
export const refresh = () => {
  if (watched) void settle(watched, false)
}

/** How many executions a step has started, and how they are. */
export function tally(children: Children[], segment: number | undefined) {
  const mine = children.filter((one) => segment !== undefined && one.segment_no === segment)
  const sum = (states: string[]) =>
    mine.filter((one) => states.includes(one.status)).reduce((all, one) => all + one.count, 0)
  const total = mine.reduce((all, one) => all + one.count, 0)
  return {
    total,
    done: sum(['completed']),
    bad: sum(['failed', 'timed_out', 'cancelled']),
    words: mine.map((one) => `${one.count} ${one.status}`).join(', '),
  }
}

let waiting: Message[] = []
let timer: ReturnType<typeof setTimeout> | undefined
function queue(message: Message) {
  waiting.push(message)
  timer ??= setTimeout(take, BATCH_MS)
}

function take() {
  timer = undefined
  const messages = waiting.filter((message) => message.channel === `execution:${watched}`)
  waiting = []
  if (!messages.length) return
  const nodes = { ...useRun.getState().nodes }
  let { execution } = useRun.getState()
  let missed = false
  for (const { op, type, data, seq } of messages) {
    if (op === 'resync') missed = true
    else if (type === 'node_update')
      nodes[data.node_id as string] = updated(nodes[data.node_id as string], data as Live, seq !== undefined)
    else if (type === 'segment_update') {
      segment(nodes, data)
      missed ||= data.status === 'parked'
    } else if (type === 'execution_update' && execution) execution = { ...execution, ...(data as Partial<Execution>) }
  }
  const ended = Boolean(execution && ENDED.has(execution.status))
  useRun.setState({ nodes, execution, live: !ended })
  if (ended || missed) void settle(watched, ended)
}

/** A step's newer state; rows can be read once their event is stored, not while it only passes by. */
function updated(before: Live | undefined, data: Live, stored: boolean): Live {
  return { ...before, ...data, has_output: stored ? Boolean(data.has_output) : Boolean(before?.has_output) }
}

/** Steps of a segment that runs run, until they say more themselves. */
function segment(nodes: Record<string, Live>, data: Record<string, unknown>) {
  if (data.status !== 'running' && data.status !== 'parked') return
  for (const id of data.node_ids as string[]) {
    if (data.status === 'parked') {
      nodes[id] = { ...nodes[id], node_id: id, status: 'parked', waits_for: data.waits_for as Live['waits_for'] }
      continue
    }
    if (!nodes[id] || nodes[id].status === 'pending' || nodes[id].status === 'queued' || nodes[id].status === 'parked')
      nodes[id] = { ...nodes[id], node_id: id, status: 'running' }
  }
}

/** The stored outcome, once it is final. */
async function settle(id: string, ended: boolean) {
  if (ended) {
    stop()
    stop = () => undefined
  }
  const read = await stored(id).catch(() => null)
  if (watched === id && read && (ended || !read.live || useRun.getState().live)) useRun.setState(read)
  if (!ended) return
  if (read?.live) look(id)
  for (const key of ['executions', 'flows', 'rows', 'logs']) void client.invalidateQueries({ queryKey: [key] })
}

export type Part = { node: string; mode: 'to_here' | 'node' | 'from_here' }

/** Execute a flow or a part of it with the rows of every step kept, and watch it. */
export async function execute(flowId: string, part?: Part): Promise<void> {
  const started = part
    ? await post<{ id: string }>(`/flows/${flowId}/nodes/${encodeURIComponent(part.node)}/execute`, { mode: part.mode })
    : await post<{ id: string }>(`/flows/${flowId}/execute`, { observe: 'all', use_pins: true })
  await watch(started.id)
}
export const cancel = (id: string) => post(`/executions/${id}/cancel`)
