// What became of the due times of a schedule, newest first.
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleSlash, CircleX, Copy } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { listed } from '../../api/call'
import { Empty, Pages, Trouble, Waiting } from '../../kit/parts'
import { due } from '../../lib/format'
import { t } from '../../lib/text'

const LOOK = {
  started: ['ok', CircleCheck],
  skipped: ['warn', CircleSlash],
  failed: ['error', CircleX],
  duplicate: ['idle', Copy],
} as const

export function History({ id }: { id: string }) {
  const [page, setPage] = useState(1)
  const { data, error, refetch } = useQuery({
    queryKey: ['triggers', 'one', id, 'ticks', page],
    refetchInterval: 10_000,
    queryFn: () =>
      listed('GET /schedules/{schedule_id}/ticks', { path: { schedule_id: id }, query: { page, per_page: 50 } }),
  })
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('schedules.history')} />
  if (!data.data.length) return <Empty title={t('schedules.noHistory')} text={t('schedules.noHistory.why')} />
  return (
    <>
      <div className="card table-card" tabIndex={0} role="region" aria-label={t('schedules.history')}>
        <table className="list">
          <thead>
            <tr>
              <th scope="col">{t('schedules.dueAt')}</th>
              <th scope="col">{t('schedules.became')}</th>
              <th scope="col" data-numeric>
                {t('schedules.missed')}
              </th>
              <th scope="col">{t('schedules.why')}</th>
            </tr>
          </thead>
          <tbody>
            {data.data.map((one) => {
              const [tone, Icon] = LOOK[one.outcome as keyof typeof LOOK] ?? LOOK.duplicate
              const badge = (
                <span className="badge" data-tone={tone}>
                  <Icon size={13} aria-hidden="true" />
                  {t(`schedules.outcome.${one.outcome}`)}
                </span>
              )
              return (
                <tr key={one.fire_at}>
                  <td>
                    <time dateTime={one.fire_at}>{due(one.fire_at)}</time>
                  </td>
                  <td>{one.execution_id ? <Link href={`/executions/${one.execution_id}`}>{badge}</Link> : badge}</td>
                  <td data-numeric>{one.missed || ''}</td>
                  <td className="soft">{one.error ?? ''}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      <Pages page={page} total={data.pagination?.total_pages ?? 1} onChange={setPage} />
    </>
  )
}
