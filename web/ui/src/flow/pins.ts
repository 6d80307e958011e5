// Pinned rows: they stand in for a step in test runs. Which steps have them comes with the canvas.
import { create } from 'zustand'
import { call } from '../api/call'
import { client } from '../api/queries'
import type { Json } from '../api/types'
import { fail, say } from '../kit/toasts'
import { t } from '../lib/text'
import { rows } from '../lib/format'
import type { FlowPage } from './context'
import { labelOf } from './graph'
import { nodeOf } from './lookup'
import { useDoc } from './store'

export type Pin = { ports: string[]; rows: number; pinned_at: string }
export const usePins = create<Record<string, Pin>>(() => ({}))
export const showPins = (pins: Record<string, Pin> | undefined) => usePins.setState(pins ?? {}, true)
const name = (id: string) => labelOf(nodeOf(useDoc.getState(), id))

/** Pin the rows of the step's newest execution, or let it be executed again. */
export async function togglePin({ flowId, save }: FlowPage, id: string): Promise<void> {
  try {
    if (usePins.getState()[id]) return await unpin(flowId, id)
    if (useDoc.getState().dirty && !(await save(true))) return
    await pinned(flowId, id, { from_last_execution: true })
  } catch (error) {
    fail(error)
  }
}

/** Pin rows that somebody wrote. Raises `ApiError`. */
export async function pinRows({ flowId, save }: FlowPage, id: string, given: Json[]): Promise<void> {
  if (useDoc.getState().dirty && !(await save(true))) return
  await pinned(flowId, id, { rows: given as Record<string, Json>[] })
}

async function pinned(
  flow_id: string,
  node_id: string,
  body: { from_last_execution?: boolean; rows?: Record<string, Json>[] },
) {
  const pin = (await call('PUT /flows/{flow_id}/nodes/{node_id}/pin', {
    path: { flow_id, node_id },
    body: body as never,
  })) as unknown as Pin
  usePins.setState({ [node_id]: pin })
  void client.invalidateQueries({ queryKey: ['pinned', flow_id, node_id] })
  say(t('flow.pin.done', { step: name(node_id), rows: rows(pin.rows) }), 'ok')
}

async function unpin(flow_id: string, node_id: string) {
  await call('DELETE /flows/{flow_id}/nodes/{node_id}/pin', { path: { flow_id, node_id } })
  const { [node_id]: _gone, ...rest } = usePins.getState()
  usePins.setState(rest, true)
  say(t('flow.pin.off', { step: name(node_id) }), 'ok')
}

/** How many steps of the flow have pinned rows that a run would take. */
export const pinsUsed = () =>
  Object.keys(usePins.getState()).filter((id) => {
    const node = nodeOf(useDoc.getState(), id)
    return node && !node.data.disabled
  }).length
