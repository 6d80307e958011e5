// Executions of all flows, newest first; every filter is in the address.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { call } from '../api/call'
import { useExecutionList } from './executions/reads'
import { useAddress } from '../app/address'
import { useTitle } from '../app/title'
import { Choice } from '../kit/choice'
import { Empty, Page, Pages, Trouble, Waiting } from '../kit/parts'
import { Spark } from '../kit/spark'
import { due, hour } from '../lib/format'
import { t } from '../lib/text'
import { Bulk } from './executions/bulk'
import { Rows } from './executions/rows'
import '../styles/flows.css'
import '../styles/executions.css'

const STATES = ['', 'running', 'waiting', 'queued', 'completed', 'failed', 'cancelled']
const TRIGGERS = [
  'manual',
  'test',
  'api',
  'scheduled',
  'webhook',
  'form',
  'email',
  'file',
  'message',
  'cdc',
  'poll',
  'asset',
  'event',
  'flow',
  'job',
  'retry',
  'backfill',
]
const SPANS: Record<string, number> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 2_592_000_000 }
const SLOTS = 48

export default function Executions() {
  useTitle(t('places.executions'))
  const { get, set } = useAddress()
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set())
  const span = get('span') in SPANS ? get('span') : 'day'
  const page = Number(get('page')) || 1
  const filter = {
    status: get('status'),
    trigger: get('trigger'),
    flow: get('flow'),
    since: get('since'),
    until: get('until'),
  }
  const filtered = Object.values(filter).some(Boolean)
  const { data, error, refetch } = useExecutionList(filter, page)
  const flows =
    useQuery({
      queryKey: ['flows', 'names', 'all'],
      queryFn: () => call('GET /flows', { query: { per_page: 100, sort: 'name' } }),
      staleTime: 60_000,
    }).data ?? []
  const names = new Map(flows.map((flow) => [flow.id, flow.name]))
  const list = data?.data ?? []
  const chosen = list.filter(({ id }) => picked.has(id))
  const pick = (id: string) =>
    setPicked((now) => {
      const next = new Set(now)
      if (!next.delete(id)) next.add(id)
      return next
    })
  return (
    <Page title={t('places.executions')} text={t('executions.about')}>
      <div className="filters">
        <Choice
          label={t('work.state')}
          value={filter.status}
          options={STATES.map((one) => [one, one ? t(`work.state.${one}`) : t('executions.all')])}
          onChange={(status) => set({ status })}
        />
        <select
          aria-label={t('executions.by')}
          value={filter.trigger}
          onChange={({ target }) => set({ trigger: target.value })}
        >
          <option value="">{t('executions.anyStart')}</option>
          {TRIGGERS.map((one) => (
            <option key={one} value={one}>
              {t(`work.trigger.${one}`)}
            </option>
          ))}
        </select>
        <select
          className="flow-filter"
          aria-label={t('executions.flow')}
          value={filter.flow}
          onChange={({ target }) => set({ flow: target.value })}
        >
          <option value="">{t('executions.anyFlow')}</option>
          {flows.map((flow) => (
            <option key={flow.id} value={flow.id}>
              {flow.name}
            </option>
          ))}
        </select>
      </div>
      <Strip
        key={`${span}-${filter.flow}`}
        span={span}
        flow={filter.flow}
        since={filter.since}
        onSpan={(one) => set({ span: one === 'day' ? '' : one, since: '', until: '' })}
        onTime={(since, until) => set({ since, until })}
      />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('places.executions')} />
      ) : list.length === 0 ? (
        <Empty
          title={t(filtered ? 'executions.noneSo' : 'executions.none')}
          text={t(filtered ? 'executions.noneSo.why' : 'executions.none.why')}
        >
          {filtered ? (
            <button
              type="button"
              className="button"
              onClick={() => set({ status: '', trigger: '', flow: '', since: '', until: '' })}
            >
              {t('flows.clear')}
            </button>
          ) : (
            <Link href="/flows" className="button primary">
              {t('app.allFlows')}
            </Link>
          )}
        </Empty>
      ) : (
        <Rows
          list={list}
          names={names}
          picked={picked}
          onPick={pick}
          onAll={() => setPicked(chosen.length === list.length ? new Set() : new Set(list.map(({ id }) => id)))}
        />
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={(next) => set({ page: next })} />
      {chosen.length > 0 && <Bulk list={chosen} onDone={() => setPicked(new Set())} />}
    </Page>
  )
}

type StripProps = {
  span: string
  flow: string
  since: string
  onSpan: (span: string) => void
  onTime: (since: string, until: string) => void
}

/** When they began, as bars; one of them chooses its time. */
function Strip({ span, flow, since, onSpan, onTime }: StripProps) {
  const wide = (SPANS[span] ?? 0) / SLOTS
  const { data: slots = [] } = useQuery({
    queryKey: ['executions', 'summary', span, flow],
    refetchInterval: 10_000,
    queryFn: () => {
      const end = Math.ceil(Date.now() / wide) * wide // so that bars stand still until the next one begins
      return call('GET /executions/summary', {
        query: {
          since: new Date(end - wide * SLOTS).toISOString(),
          until: new Date(end).toISOString(),
          slots: SLOTS,
          flow_id: flow || null,
        },
      })
    },
  })
  const until = (at: string) => new Date(new Date(at).getTime() + wide).toISOString()
  const picked = slots.findIndex((slot) => slot.at === since)
  const name = span === 'hour' || span === 'day' ? hour : due
  return (
    <section className="card strip" aria-label={t('executions.strip')}>
      <div className="strip-head">
        <Choice
          label={t('executions.span')}
          value={span}
          options={Object.keys(SPANS).map((one) => [one, t(`executions.span.${one}`)])}
          onChange={onSpan}
        />
        {since && (
          <button type="button" className="link" onClick={() => onTime('', '')}>
            {t('executions.anyTime', { when: due(since) })}
          </button>
        )}
      </div>
      {slots.length > 0 && (
        <Spark
          slots={slots}
          label={t('executions.strip')}
          name={(slot) => `${name(slot.at)} – ${name(until(slot.at))}`}
          picked={picked}
          onPick={(index) => {
            const slot = slots[index]
            if (slot) onTime(index === picked ? '' : slot.at, index === picked ? '' : until(slot.at))
          }}
        />
      )}
    </section>
  )
}
