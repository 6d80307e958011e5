// What one may do to a trigger, wherever it is listed.
import { get, patch, post, remove } from '../../api/client'
import { client, gone } from '../../api/queries'
import { fail, say } from '../../kit/toasts'
import { t } from '../../lib/text'

type Some = { id: string; is_active: boolean; row_version: number }

export const again = () => client.invalidateQueries({ queryKey: ['triggers'] })
const done = (work: Promise<unknown>, said: string) =>
  work
    .then(() => {
      say(said, 'ok')
      return again()
    })
    .catch(fail)

export const turn = (one: Some, title: string) =>
  void done(
    patch(`/triggers/${one.id}`, { is_active: !one.is_active }, one.row_version),
    one.is_active ? t('triggers.paused', { title }) : t('triggers.resumed', { title }),
  )
/** The flow itself is switched on, with which all its triggers begin to act. */
export const activate = (flow: string) =>
  void done(
    get<{ row_version: number }>(`/flows/${flow}`)
      .then(({ row_version: version }) => patch(`/flows/${flow}`, { status: 'active' }, version))
      .then(() => {
        for (const key of ['flow', 'flows']) void client.invalidateQueries({ queryKey: [key] })
      }),
    t('triggers.activated'),
  )
export const runNow = (id: string) => void done(post(`/triggers/${id}/run`), t('triggers.started'))
/** `after` is done once it is gone; a page that showed it is left then. */
export const dropTrigger = (id: string, after: () => void) =>
  void remove(`/triggers/${id}`)
    .then(() => {
      say(t('triggers.dropped'), 'ok')
      after()
      return gone(['triggers'], id)
    })
    .catch(fail)
