// Acts on flows, one or many; each can be undone, and says what it could not do.
import { call } from '../../api/call'
import { fail, say } from '../../kit/toasts'
import { t } from '../../lib/text'
import { stale } from './reads'
import type { Flow } from './reads'

type Status = 'active' | 'inactive'

/** Do something with each; what worked is told with a way back, the first failure by its own sentence. */
async function each<T>(
  flows: Flow[],
  act: (flow: Flow) => Promise<T>,
  told: (n: number) => string,
  undo: (done: [Flow, T][]) => Promise<void>,
) {
  const done: [Flow, T][] = []
  const failed: unknown[] = []
  for (const flow of flows) {
    try {
      done.push([flow, await act(flow)])
    } catch (error) {
      failed.push(error)
    }
  }
  stale()
  if (done.length)
    say(told(done.length), 'ok', { word: t('work.undo'), run: () => void undo(done).catch(fail).finally(stale) })
  if (failed.length) fail(failed[0])
}
const patch = (flow: Flow, body: { status?: Status; folder_id?: string | null }, version: number) =>
  call('PATCH /flows/{flow_id}', { path: { flow_id: flow.id }, body, version })

export const drop = (flows: Flow[]) =>
  each(
    flows,
    (flow) => call('DELETE /flows/{flow_id}', { path: { flow_id: flow.id } }),
    (n) => (n === 1 ? t('flows.deleted.one', { name: flows[0]?.name ?? '' }) : t('flows.deleted.many', { number: n })),
    async (done) => {
      for (const [flow] of done) await call('POST /flows/{flow_id}/restore', { path: { flow_id: flow.id } })
    },
  )

export const setStatus = (flows: Flow[], status: Status) =>
  each(
    flows.filter((flow) => flow.status !== status),
    (flow) => patch(flow, { status }, flow.row_version),
    (n) => (status === 'active' ? t('flows.activated', { n }) : t('flows.deactivated', { n })),
    async (done) => {
      for (const [flow, now] of done) await patch(flow, { status: flow.status as Status }, now.row_version)
    },
  )

export const move = (flows: Flow[], folder: string | null, name: string) =>
  each(
    flows.filter((flow) => flow.folder_id !== folder),
    (flow) => patch(flow, { folder_id: folder }, flow.row_version),
    (n) => t('flows.moved', { n, folder: name }),
    async (done) => {
      for (const [flow, now] of done) await patch(flow, { folder_id: flow.folder_id }, now.row_version)
    },
  )
