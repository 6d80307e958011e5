// Two executions of a flow side by side: what differs in state, time and rows, step by step.
import { useQuery } from '@tanstack/react-query'
import { ArrowRight, CirclePlus, Settings2 } from 'lucide-react'
import { get } from '../../api/client'
import { useExecutions } from '../../api/queries'
import type { Execution, Failure } from '../../api/types'
import { State, StateIcon } from '../../kit/icon'
import { Empty, Trouble, Waiting } from '../../kit/parts'
import { count, moment, took } from '../../lib/format'
import { t } from '../../lib/text'

type Side = {
  status: string
  duration_ms: number | null
  rows_out: number | null
  rows_rejected: number
  error: Failure | null
  cache_hit: boolean
}
type Step = {
  node_id: string
  label: string
  config_changed: boolean | null
  status_changed: boolean
  a: Side | null
  b: Side | null
  change: Record<string, number>
}
type Compared = { a: Execution; b: Execution; definition_changed: boolean; input_changed: boolean; nodes: Step[] }
type Props = {
  execution: Execution
  other: string
  choose: (id: string) => void
  names: (id: string) => string
  toStep: (id: string) => void
}

export function Compare({ execution, other, choose, names, toStep }: Props) {
  const listed = useExecutions({ flow: execution.flow_id, perPage: 50 })
  const others = listed.data?.data.filter((one) => one.id !== execution.id) ?? []
  const good = others.find((one) => one.status === 'completed' && one.queued_at < execution.queued_at) ?? others[0]
  const id = other || good?.id || ''
  const { data, error, refetch } = useQuery({
    queryKey: ['compare', id, execution.id, execution.status],
    queryFn: () => get<Compared>(`/executions/${id}/compare/${execution.id}`),
    enabled: Boolean(id),
    retry: false,
  })
  if (listed.data && !others.length && !other)
    return <Empty title={t('execution.alone')} text={t('execution.alone.why')} />
  return (
    <div className="compare">
      <div className="compare-head">
        <label className="row">
          <span>{t('execution.compareWith')}</span>
          <select value={id} onChange={({ target }) => choose(target.value)}>
            {other && !others.some((one) => one.id === other) && <option value={other}>{other}</option>}
            {others.map((one) => (
              <option key={one.id} value={one.id}>
                {moment(one.started_at ?? one.queued_at)} – {t(`execution.status.${one.status}`)}
                {one.duration_ms === null ? '' : `, ${took(one.duration_ms)}`}
              </option>
            ))}
          </select>
        </label>
        {data && (
          <span className="soft">
            {[
              data.definition_changed ? t('execution.definitionChanged') : t('execution.definitionSame'),
              data.input_changed ? t('execution.inputChanged') : t('execution.inputSame'),
            ].join(' ')}
          </span>
        )}
      </div>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('execution.comparisonWord')} />
      ) : (
        <div className="compare-table" tabIndex={0} role="region" aria-label={t('execution.comparison')}>
          <table className="list">
            <thead>
              <tr>
                <th scope="col">{t('execution.step')}</th>
                <th scope="col">{t('execution.state')}</th>
                <th scope="col" data-numeric>
                  {t('execution.took')}
                </th>
                <th scope="col" data-numeric>
                  {t('execution.difference')}
                </th>
                <th scope="col" data-numeric>
                  {t('execution.rows')}
                </th>
                <th scope="col" data-numeric>
                  {t('execution.difference')}
                </th>
              </tr>
            </thead>
            <tbody>
              <tr className="compare-whole">
                <th scope="row">{t('execution.whole')}</th>
                <td>
                  <span className="row">
                    <State name={data.a.status} />
                    <ArrowRight size={13} aria-label={t('execution.to')} />
                    <State name={data.b.status} />
                  </span>
                </td>
                <td data-numeric>{pair(data.a.duration_ms, data.b.duration_ms, took)}</td>
                <td data-numeric>
                  <Change of={minus(data.b.duration_ms, data.a.duration_ms)} say={took} costs />
                </td>
                <td data-numeric>{pair(data.a.rows_processed, data.b.rows_processed, count)}</td>
                <td data-numeric>
                  <Change of={minus(data.b.rows_processed, data.a.rows_processed)} say={count} />
                </td>
              </tr>
              {data.nodes.map((one) => (
                <tr key={one.node_id}>
                  <th scope="row">
                    <button type="button" className="link" onClick={() => toStep(one.node_id)}>
                      {names(one.node_id)}
                    </button>
                    {!one.a || !one.b ? (
                      <span className="soft compare-mark">
                        <CirclePlus size={12} aria-hidden="true" />{' '}
                        {t(one.b ? 'execution.onlyHere' : 'execution.onlyThere')}
                      </span>
                    ) : (
                      one.config_changed && (
                        <span className="soft compare-mark">
                          <Settings2 size={12} aria-hidden="true" /> {t('execution.settingsChanged')}
                        </span>
                      )
                    )}
                    {one.b?.error && <span className="soft list-error">{one.b.error.message}</span>}
                  </th>
                  <td>
                    <span className="row">
                      {one.a ? <StateIcon name={one.a.status} /> : '–'}
                      {one.status_changed && (
                        <>
                          <ArrowRight size={13} aria-label={t('execution.to')} />
                          {one.b ? <StateIcon name={one.b.status} /> : '–'}
                        </>
                      )}
                    </span>
                  </td>
                  <td data-numeric>
                    {lasted(one.a)} → {lasted(one.b)}
                  </td>
                  <td data-numeric>
                    <Change of={one.change.duration_ms} say={took} costs />
                  </td>
                  <td data-numeric>{pair(one.a?.rows_out, one.b?.rows_out, count)}</td>
                  <td data-numeric>
                    <Change of={one.change.rows_out} say={count} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}

const lasted = (side: Side | null) =>
  side?.cache_hit ? t('results.reused') : known(side?.duration_ms) ? took(side.duration_ms) : '–'
type Maybe = number | null | undefined
const known = (value: Maybe): value is number => value !== null && value !== undefined
const minus = (a: Maybe, b: Maybe) => (known(a) && known(b) ? a - b : undefined)
function pair(a: Maybe, b: Maybe, say: (value: number) => string): string {
  if (!known(a) && !known(b)) return '–'
  const [from, to] = [known(a) ? say(a) : '–', known(b) ? say(b) : '–']
  return from === to ? to : `${from} → ${to}`
}

/** A difference with its sign; more time costs. */
function Change({
  of,
  say,
  costs = false,
}: {
  of: number | undefined
  say: (value: number) => string
  costs?: boolean
}) {
  if (of === undefined || Math.abs(of) < 1) return <span className="soft">{of === undefined ? '–' : '='}</span>
  return (
    <span data-change={costs ? (of > 0 ? 'worse' : 'better') : undefined}>
      {of > 0 ? '+' : '−'}
      {say(Math.abs(of))}
    </span>
  )
}
