// Executions as a table; on a phone each is a card.
import { CircleStop } from 'lucide-react'
import { Link } from 'wouter'
import type { Execution } from '../../api/types'
import { useMay } from '../../app/me'
import { ENDED, cancel } from '../../flow/run'
import { State } from '../../kit/icon'
import { fail, say } from '../../kit/toasts'
import { count, moment, since, took } from '../../lib/format'
import { t } from '../../lib/text'
import { stale } from './reads'

type Props = {
  list: Execution[]
  names: Map<string, string>
  picked: ReadonlySet<string>
  onPick: (id: string) => void
  onAll: () => void
}

export function Rows({ list, names, picked, onPick, onAll }: Props) {
  const may = useMay('execution:cancel')
  const name = (one: Execution) => names.get(one.flow_id) ?? t('executions.deleted')
  const stop = (id: string) =>
    void cancel(id)
      .then(async () => {
        await stale()
        say(t('executions.stopping'), 'ok')
      })
      .catch(fail)
  const every = list.every(({ id }) => picked.has(id))
  return (
    <div className="card table-card executions" tabIndex={0} role="region" aria-label={t('places.executions')}>
      <table className="list flow-table">
        <thead>
          <tr>
            <th>
              {may && <input type="checkbox" aria-label={t('executions.pickAll')} checked={every} onChange={onAll} />}
            </th>
            <th scope="col">{t('executions.flow')}</th>
            <th scope="col">{t('work.state')}</th>
            <th scope="col">{t('executions.started')}</th>
            <th scope="col">{t('executions.by')}</th>
            <th scope="col" data-numeric>
              {t('executions.took')}
            </th>
            <th scope="col" data-numeric>
              {t('dashboard.rows')}
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((one) => (
            <tr key={one.id}>
              <td>
                {may && (
                  <input
                    type="checkbox"
                    aria-label={t('executions.pick', { flow: name(one), when: since(one.queued_at) })}
                    checked={picked.has(one.id)}
                    onChange={() => onPick(one.id)}
                  />
                )}
              </td>
              <td>
                <Link href={`/executions/${one.id}`}>{name(one)}</Link>
                {one.error && <span className="soft list-error">{one.error.message}</span>}
              </td>
              <td>
                <State name={one.held ? 'held' : one.status} />
                {may && !ENDED.has(one.status) && one.status !== 'cancelling' && (
                  <button
                    type="button"
                    className="icon-button list-stop"
                    aria-label={t('executions.stop', { flow: name(one) })}
                    title={t('executions.stop.short')}
                    onClick={() => stop(one.id)}
                  >
                    <CircleStop size={15} />
                  </button>
                )}
              </td>
              <td>
                <time dateTime={one.started_at ?? one.queued_at} title={moment(one.started_at ?? one.queued_at)}>
                  {since(one.started_at ?? one.queued_at)}
                </time>
              </td>
              <td className="soft">{t(`work.trigger.${one.trigger_type}`)}</td>
              <td data-numeric>{one.duration_ms === null ? '–' : took(one.duration_ms)}</td>
              <td data-numeric>{count(one.rows_processed)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
