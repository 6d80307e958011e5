// The figures of an execution; while it runs, how far it is and when it will probably end.
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { call } from '../../api/call'
import { get } from '../../api/client'
import type { Execution } from '../../api/types'
import { useRun } from '../../flow/run'
import { count, moment, took, until } from '../../lib/format'
import { t } from '../../lib/text'

const LOOK_MS = 3_000

export function Facts({ execution }: { execution: Execution }) {
  const live = useRun((state) => state.live)
  const now = useSeconds(live && execution.status === 'running')
  const { id, flow_id, started_at, completed_at, duration_ms, version, attempt } = execution
  const lasts = duration_ms ?? (started_at ? now - Date.parse(started_at) : null)
  const facts: [string, ReactNode][] = [
    [
      t('execution.started'),
      started_at ? <time dateTime={started_at}>{moment(started_at)}</time> : t('execution.notYet'),
    ],
    ...(completed_at
      ? [
          [
            t('execution.ended'),
            <time dateTime={completed_at} key="ended">
              {moment(completed_at)}
            </time>,
          ] as [string, ReactNode],
        ]
      : []),
    [t('execution.took'), lasts === null ? '…' : took(Math.max(0, lasts))],
    [t('execution.rows'), count(execution.rows_processed)],
    [t('execution.rejected'), count(execution.rows_failed)],
    [t('execution.by'), t(`work.trigger.${execution.trigger_type}`)],
    [
      t('execution.version'),
      version === null ? (
        t('execution.canvas')
      ) : (
        <Link key="version" href={`/flows/${flow_id}/versions?b=${version}`}>
          {t('execution.versionNo', { number: String(version) })}
        </Link>
      ),
    ],
    ...(attempt > 1 ? [[t('execution.attempt'), String(attempt)] as [string, string]] : []),
  ]
  return (
    <section className="card execution-facts" aria-label={t('execution.facts')}>
      <dl className="facts">
        {facts.map(([word, value]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {live && execution.status === 'running' && <Forecast id={id} flowId={flow_id} now={now} lasts={lasts ?? 0} />}
    </section>
  )
}

/** How far it is, from how long its steps took before. */
function Forecast({ id, flowId, now, lasts }: { id: string; flowId: string; now: number; lasts: number }) {
  const { data } = useQuery({
    queryKey: ['forecast', id],
    queryFn: () => get<Execution>(`/executions/${id}`),
    refetchInterval: LOOK_MS,
  })
  const { data: past } = useQuery({
    queryKey: ['statistics', flowId],
    queryFn: () => call('GET /flows/{flow_id}/statistics', { path: { flow_id: flowId } }),
    staleTime: 60_000,
  })
  const usual = past?.p50_ms
  if (!data?.eta_at)
    return (
      <p className="soft forecast">
        {typeof usual === 'number' ? t('execution.usually', { time: took(usual) }) : t('execution.noForecast')}
      </p>
    )
  const share = Math.max(0.02, Math.min(1, data.progress))
  const left = Date.parse(data.eta_at) - now
  const range =
    data.eta_from && data.eta_to ? t('execution.between', { from: until(data.eta_from), to: until(data.eta_to) }) : ''
  return (
    <div className="forecast">
      <div
        className="forecast-bar"
        role="progressbar"
        aria-label={t('execution.progress')}
        aria-valuenow={Math.round(share * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <span style={{ width: `${share * 100}%` }} />
      </div>
      <p title={range}>
        <strong>{Math.round(share * 100)} %</strong>{' '}
        <span className="soft">
          {left > 0
            ? t('execution.left', { time: took(left) })
            : t('execution.late', { time: took(typeof usual === 'number' ? Math.max(0, lasts - usual) : -left) })}
        </span>
      </p>
    </div>
  )
}

function useSeconds(on: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!on) return
    const beat = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(beat)
  }, [on])
  return now
}
