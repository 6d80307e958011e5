// What an execution did that can be undone, and what became of it.
import { useQuery } from '@tanstack/react-query'
import { Undo2 } from 'lucide-react'
import { Link } from 'wouter'
import { call } from '../../api/call'
import type { Execution } from '../../api/types'
import { useMay } from '../../app/me'
import { refresh } from '../../flow/run'
import { StateIcon } from '../../kit/icon'
import { fail, say } from '../../kit/toasts'
import { moment } from '../../lib/format'
import { t } from '../../lib/text'

const ICONS: Record<string, string> = {
  armed: 'pending',
  due: 'queued',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
}

export function Undone({
  execution: { id, status, compensation },
  names,
}: {
  execution: Execution
  names: (id: string) => string
}) {
  const may = useMay('execution:retry')
  const { data = [], refetch } = useQuery({
    queryKey: ['compensations', id, status, compensation],
    queryFn: () => call('GET /executions/{execution_id}/compensations', { path: { execution_id: id } }),
    refetchInterval: compensation === 'running' ? 2_000 : false,
  })
  if (!data.length) return null
  const again = () =>
    void call('POST /executions/{execution_id}/compensate', { path: { execution_id: id } })
      .then(() => {
        say(t('execution.undoing'), 'ok')
        refresh()
        void refetch()
      })
      .catch(fail)
  return (
    <section className="card undone" aria-label={t('execution.undo')}>
      <header className="row">
        <h2>{t('execution.undo')}</h2>
        <span className="grow" />
        {may && compensation === 'incomplete' && (
          <button type="button" className="button" onClick={again}>
            <Undo2 size={14} aria-hidden="true" />
            {t('execution.undoAgain')}
          </button>
        )}
      </header>
      <ul>
        {data.map((one) => (
          <li key={one.node_id}>
            <StateIcon name={ICONS[one.status] ?? one.status} />
            <strong>{names(one.node_id)}</strong>
            <span>
              {t(
                `execution.effect.${one.uncertain && one.status === 'failed' && !one.rounds ? 'uncertain' : one.status}`,
              )}
            </span>
            {one.ended_at && (
              <time className="soft" dateTime={one.ended_at}>
                {moment(one.ended_at)}
              </time>
            )}
            {one.compensating_execution_id && (
              <Link href={`/executions/${one.compensating_execution_id}`}>{t('execution.effectOpen')}</Link>
            )}
            {one.error && <span className="field-error">{one.error}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}
