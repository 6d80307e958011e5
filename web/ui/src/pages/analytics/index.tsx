// Figures of a workspace: outcomes of its executions, and what its flows take.
import { useQueries, useQuery } from '@tanstack/react-query'
import { Link, useLocation } from 'wouter'
import { call } from '../../api/call'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { SelectField } from '../../kit/fields'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { NotYours, Section } from '../../kit/section'
import { count, short, since, took } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/admin.css'
import '../../styles/analytics.css'
import { Donut, Parts, Span } from './charts'

type Sums = {
  refreshed_at: string | null
  flows?: number
  total?: number
  completed?: number
  failed?: number
  active?: number
  average_ms?: number | null
}
type OfFlow = Sums & {
  p10_ms?: number | null
  p50_ms?: number | null
  p95_ms?: number | null
  rows_processed?: number | null
}
const MOST = 40

export default function Analytics({ id = '' }: { id?: string }) {
  useTitle(t('analytics.title'))
  const [, go] = useLocation()
  const may = useMay('execution:read')
  const spaces = useQuery({
    queryKey: ['workspaces'],
    queryFn: () => call('GET /workspaces', { query: { per_page: 100 } }),
  })
  const at = id || (spaces.data?.[0]?.id ?? '')
  const choice = spaces.data && spaces.data.length > 1 && (
    <SelectField
      label={t('settings.workspace')}
      value={at}
      onChange={(value) => go(`/analytics/${value}`)}
      choices={spaces.data.map((one) => ({ value: one.id, word: one.name }))}
    />
  )
  return (
    <Page title={t('analytics.title')} text={t('analytics.text')} actions={choice}>
      {spaces.error ? (
        <Trouble error={spaces.error} again={() => void spaces.refetch()} />
      ) : !spaces.data ? (
        <Waiting what={t('analytics.title')} />
      ) : !may ? (
        <NotYours permission="execution:read" />
      ) : !at ? (
        <Empty title={t('settings.noWorkspace')} text={t('settings.noWorkspace.text')} />
      ) : (
        <Figures key={at} id={at} />
      )}
    </Page>
  )
}

function Figures({ id }: { id: string }) {
  const sums = useQuery({
    queryKey: ['statistics', id],
    queryFn: async () =>
      (await call('GET /workspaces/{workspace_id}/statistics', { path: { workspace_id: id } })) as Sums,
    refetchInterval: 30_000,
  })
  const flows = useQuery({
    queryKey: ['flows', 'of', id],
    queryFn: () => call('GET /flows', { query: { workspace_id: id, per_page: MOST } as { per_page: number } }),
  })
  const each = useQueries({
    queries: (flows.data ?? []).map((flow) => ({
      queryKey: ['statistics', 'flow', flow.id],
      queryFn: async () => ({
        id: flow.id,
        name: flow.name,
        ...((await call('GET /flows/{flow_id}/statistics', { path: { flow_id: flow.id } })) as OfFlow),
      }),
      staleTime: 60_000,
    })),
  })
  const wrong = sums.error ?? flows.error
  if (wrong)
    return (
      <Trouble
        error={wrong}
        again={() => {
          void sums.refetch()
          void flows.refetch()
        }}
      />
    )
  if (!sums.data) return <Waiting what={t('analytics.title')} />
  const { total = 0, completed = 0, failed = 0, active = 0, average_ms, flows: number = 0, refreshed_at } = sums.data
  if (!refreshed_at || !total)
    return (
      <div className="card">
        <Empty title={t('analytics.none')} text={t('analytics.none.text')}>
          <Link href="/flows" className="button">
            {t('app.allFlows')}
          </Link>
        </Empty>
      </div>
    )
  const parts = [
    { word: t('analytics.completed'), value: completed, tone: 'ok' },
    { word: t('analytics.failed'), value: failed, tone: 'error' },
    { word: t('analytics.active'), value: active, tone: 'run' },
    { word: t('analytics.other'), value: Math.max(0, total - completed - failed - active), tone: 'idle' },
  ]
  const rows = each.flatMap(({ data }) => (data?.total ? [data] : [])).sort((a, b) => (b.total ?? 0) - (a.total ?? 0))
  const most = Math.max(1, ...rows.map((one) => one.total ?? 0))
  const longest = Math.max(1, ...rows.map((one) => one.p95_ms ?? 0))
  const figures: [string, string][] = [
    [t('analytics.flows'), count(number)],
    [t('analytics.executions'), short(total)],
    [
      t('analytics.success'),
      completed + failed ? `${Math.round((completed / (completed + failed)) * 1000) / 10} %` : '–',
    ],
    [t('analytics.average'), average_ms ? took(average_ms) : '–'],
  ]
  return (
    <div className="sections">
      <dl className="kpis">
        {figures.map(([word, value]) => (
          <div key={word} className="card">
            <dt>{word}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className="charts">
        <Section title={t('analytics.outcomes')} text={t('analytics.counted', { when: since(refreshed_at) })}>
          <Donut parts={parts} total={total} />
        </Section>
        <Section title={t('analytics.byFlow')} text={t('analytics.byFlow.text')}>
          <ul className="bars">
            {rows.map((one) => (
              <li key={one.id}>
                <Link href={`/flows/${one.id}`}>{one.name}</Link>
                <Parts
                  label={one.name}
                  most={most}
                  parts={[
                    { word: t('analytics.completed'), value: one.completed ?? 0, tone: 'ok' },
                    { word: t('analytics.failed'), value: one.failed ?? 0, tone: 'error' },
                    { word: t('analytics.active'), value: one.active ?? 0, tone: 'run' },
                  ]}
                />
                <span>{count(one.total ?? 0)}</span>
              </li>
            ))}
          </ul>
        </Section>
      </div>
      <Section title={t('analytics.durations')} text={t('analytics.durations.text')}>
        <ul className="bars">
          {rows
            .filter((one) => one.p50_ms)
            .map((one) => (
              <li key={one.id}>
                <Link href={`/flows/${one.id}`}>{one.name}</Link>
                <Span
                  label={one.name}
                  low={one.p10_ms ?? 0}
                  middle={one.p50_ms ?? 0}
                  high={one.p95_ms ?? 0}
                  most={longest}
                />
                <span>{took(one.p50_ms ?? 0)}</span>
              </li>
            ))}
        </ul>
      </Section>
    </div>
  )
}
