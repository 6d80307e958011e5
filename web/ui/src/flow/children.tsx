// Executions that an execution has started: how many are in which state, and a table of them.
import { useQuery } from '@tanstack/react-query'
import { keepPreviousData } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { request } from '../api/client'
import type { Children, Execution } from '../api/types'
import { State } from '../kit/icon'
import { Pages, Trouble, Waiting } from '../kit/parts'
import { count, moment, since, took } from '../lib/format'
import { t } from '../lib/text'

const ORDER = ['failed', 'timed_out', 'running', 'waiting', 'queued', 'held', 'cancelling', 'cancelled', 'completed']
const PAGE = 50
/** Executions that follow the flow, rather than belonging to one of its steps. */
export const isAfter = (mode: string) => mode === 'handler' || mode === 'compensation'
type Props = {
  executionId: string
  segment: number | null
  counts: Children[]
  title: string
  live: boolean
  handlers?: boolean
  names?: Map<string, string>
}

export function ChildrenTable({ executionId, segment, counts, title, live, handlers = false, names }: Props) {
  const [status, setStatus] = useState('')
  const [page, setPage] = useState(1)
  const asked = new URLSearchParams({ parent_id: executionId, page: String(page), per_page: String(PAGE) })
  if (segment !== null) asked.set('parent_segment_no', String(segment))
  if (status) asked.set('status', status === 'held' ? 'queued' : status)
  const { data, error, refetch } = useQuery({
    queryKey: ['children', asked.toString()],
    queryFn: () => request<Execution[]>('GET', `/executions?${asked}`),
    placeholderData: keepPreviousData,
    refetchInterval: live ? 2_000 : false,
  })
  const total = counts.reduce((all, one) => all + one.count, 0)
  const states = ORDER.map(
    (name) => [name, counts.filter((one) => one.status === name).reduce((all, one) => all + one.count, 0)] as const,
  ).filter(([, number]) => number > 0)
  const rows = data?.data.filter(
    (one) => handlers === isAfter(one.mode) && (status === 'held' ? one.held : status !== 'queued' || !one.held),
  )
  const called = (one: Execution) => {
    const undone = one.target_node_id ?? ''
    if (one.mode === 'compensation') return t('results.undoes', { name: names?.get(undone) ?? undone })
    return handlers ? t('results.afterwards') : t('results.itemNo', { number: (one.item_no ?? 0) + 1 })
  }
  return (
    <section className="children" aria-label={title}>
      <div className="children-states" role="radiogroup" aria-label={t('results.state')}>
        <label>
          <input
            type="radio"
            name={`children-${segment}`}
            checked={!status}
            onChange={() => {
              setStatus('')
              setPage(1)
            }}
          />
          <span className="badge" data-tone="idle">
            {t('results.all', { n: total })}
          </span>
        </label>
        {states.map(([name, number]) => (
          <label key={name}>
            <input
              type="radio"
              name={`children-${segment}`}
              checked={status === name}
              onChange={() => {
                setStatus(name)
                setPage(1)
              }}
            />
            <State name={name} more={count(number)} />
          </label>
        ))}
      </div>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !rows ? (
        <Waiting what={t('results.executionsWord')} />
      ) : (
        <div
          className="children-table"
          tabIndex={0}
          role="region"
          aria-label={t('results.executionsOf', { name: title })}
        >
          <table className="list">
            <thead>
              <tr>
                <th scope="col">{t(handlers ? 'results.what' : 'results.item')}</th>
                <th scope="col">{t('results.state')}</th>
                <th scope="col">{t('results.started')}</th>
                <th scope="col" data-numeric>
                  {t('results.took')}
                </th>
                <th scope="col" data-numeric>
                  {t('results.rowsTitle')}
                </th>
              </tr>
            </thead>
            <tbody>
              {[...rows]
                .sort((a, b) => (a.item_no ?? 0) - (b.item_no ?? 0))
                .map((one) => (
                  <tr key={one.id}>
                    <td>
                      <Link href={`/executions/${one.id}`}>{called(one)}</Link>
                      {one.error && <span className="soft list-error">{one.error.message}</span>}
                    </td>
                    <td>
                      <State name={one.held ? 'held' : one.status} />
                    </td>
                    <td>
                      {one.started_at ? (
                        <time dateTime={one.started_at} title={moment(one.started_at)}>
                          {since(one.started_at)}
                        </time>
                      ) : (
                        '–'
                      )}
                    </td>
                    <td data-numeric>{one.duration_ms === null ? '–' : took(one.duration_ms)}</td>
                    <td data-numeric>{count(one.rows_processed)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={setPage} />
    </section>
  )
}
