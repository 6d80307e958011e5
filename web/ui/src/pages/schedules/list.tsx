// Schedules: those that come next first, and a month of them.
import { CalendarDays, List as Lines, Pause, Play, Plus, Trash2, Zap } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { useCalendars, useSchedules, useTargets } from '../../api/starts'
import type { Target } from '../../api/starts'
import type { ScheduleOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { moment, since, until } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { runNow, turn } from '../triggers/acts'
import { DropTrigger } from '../triggers/drop'
import { Standing, standOf } from '../triggers/standing'
import { StartTabs } from '../triggers/tabs'
import { Month } from './month'
import { scheduleWords } from './words'

const STANDS = ['', 'active', 'paused', 'flow', 'trouble']
const KINDS = ['cron', 'interval', 'rrule']
const soonest = (a: ScheduleOut, b: ScheduleOut) => (a.next_run_at ?? '9').localeCompare(b.next_run_at ?? '9')

export default function Schedules() {
  useTitle(t('schedules.schedules'))
  const [q, setQ] = useAsked('q')
  const [stand, setStand] = useAsked('state')
  const [view, setView] = useAsked('view')
  const [dropping, setDropping] = useState<ScheduleOut | null>(null)
  const { data, error, refetch } = useSchedules()
  const targets = useTargets()
  const may = useMay('schedule:create')
  const add = may && (
    <Link href="/triggers/new?mode=time" className="button primary">
      <Plus size={16} aria-hidden="true" />
      {t('schedules.new')}
    </Link>
  )
  const title = (one: ScheduleOut) => one.name || (targets.get(one.flow_id)?.name ?? t('schedules.schedule'))
  const shown =
    data
      ?.filter(
        (one) =>
          (!stand || standOf(one) === stand)
          && `${title(one)} ${one.expression} ${targets.get(one.flow_id)?.name ?? ''}`
            .toLowerCase()
            .includes(q.toLowerCase()),
      )
      .sort(soonest) ?? []
  const month = view === 'month'
  return (
    <Page title={t('schedules.schedules')} text={t('schedules.text')} actions={add}>
      <StartTabs at="/schedules" />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('schedules.schedules')} />
      ) : data.length === 0 ? (
        <Empty title={t('schedules.none')} text={t('schedules.none.why')}>
          {add}
        </Empty>
      ) : (
        <>
          <div className="filters sources-filters">
            <SearchBox label={t('schedules.search')} value={q} onChange={setQ} />
            <div className="segmented" role="radiogroup" aria-label={t('schedules.state')}>
              {STANDS.map((one) => (
                <label key={one}>
                  <input type="radio" name="state" checked={stand === one} onChange={() => setStand(one)} />
                  <span>{one ? t(`triggers.stand.${one}`) : t('schedules.all')}</span>
                </label>
              ))}
            </div>
            <div className="segmented" role="radiogroup" aria-label={t('schedules.view')}>
              <label>
                <input type="radio" name="view" checked={!month} onChange={() => setView('')} />
                <span>
                  <Lines size={14} aria-hidden="true" />
                  {t('schedules.list')}
                </span>
              </label>
              <label>
                <input type="radio" name="view" checked={month} onChange={() => setView('month')} />
                <span>
                  <CalendarDays size={14} aria-hidden="true" />
                  {t('schedules.month')}
                </span>
              </label>
            </div>
          </div>
          {month ? (
            <Month schedules={shown.filter((one) => one.armed)} title={title} />
          ) : shown.length === 0 ? (
            <Empty title={t('schedules.noMatch')} text={t('schedules.noMatch.why')} />
          ) : (
            <div className="card table-card" tabIndex={0} role="region" aria-label={t('schedules.schedules')}>
              <table className="list stacked wrap-times">
                <thead>
                  <tr>
                    <th scope="col">{t('schedules.schedule')}</th>
                    <th scope="col">{t('schedules.next')}</th>
                    <th scope="col">{t('schedules.state')}</th>
                    <th scope="col">{t('schedules.flow')}</th>
                    <th scope="col">{t('schedules.late')}</th>
                    <th scope="col">{t('schedules.last')}</th>
                    <th scope="col">
                      <span className="sr">{t('schedules.acts')}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((one) => (
                    <Row
                      key={one.id}
                      schedule={one}
                      title={title(one)}
                      target={targets.get(one.flow_id)}
                      onDrop={() => setDropping(one)}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </>
      )}
      {dropping && <DropTrigger id={dropping.id} title={title(dropping)} onClose={() => setDropping(null)} />}
    </Page>
  )
}

function Row({
  schedule: one,
  title,
  target,
  onDrop,
}: {
  schedule: ScheduleOut
  title: string
  target: Target | undefined
  onDrop: () => void
}) {
  const mayChange = useMay('schedule:update')
  const mayDelete = useMay('schedule:delete')
  const mayRun = useMay('flow:execute')
  const calendar = useCalendars().data?.find((found) => found.id === one.calendar_id)
  return (
    <tr>
      <td>
        <Link href={`/schedules/${one.id}`}>{title}</Link>
        <span className="soft list-error" title={KINDS.includes(one.type) ? one.expression : ''}>
          {scheduleWords(one.type, one.expression)}
          {one.timezone !== 'UTC' && ` · ${one.timezone}`}
          {calendar && ` · ${calendar.name}`}
        </span>
      </td>
      <td data-column={t('schedules.next')}>
        {one.armed && one.next_run_at ? (
          <time dateTime={one.next_run_at} title={moment(one.next_run_at)}>
            {until(one.next_run_at)}
            <span className="soft list-error">{since(one.next_run_at)}</span>
          </time>
        ) : (
          <span className="soft">–</span>
        )}
      </td>
      <td>
        <Standing trigger={one} />
        {one.error && (
          <span className="soft list-error" title={one.error}>
            {one.error}
          </span>
        )}
      </td>
      <td data-column={t('schedules.flow')}>
        <Link href={target?.href ?? `/flows/${one.flow_id}`}>{target?.name ?? t('schedules.flow')}</Link>
      </td>
      <td className="soft" data-column={t('schedules.late')} title={t(`schedules.misfireWhy.${one.misfire}`)}>
        {t(`schedules.misfire.${one.misfire}`)}
        {one.missed > 0 && <span className="list-error">{t('schedules.passedOver', { n: one.missed })}</span>}
      </td>
      <td data-column={t('schedules.last')}>
        {one.last_run_at ? (
          one.last_execution_id ? (
            <Link href={`/executions/${one.last_execution_id}`}>{since(one.last_run_at)}</Link>
          ) : (
            since(one.last_run_at)
          )
        ) : (
          <span className="soft">{t('schedules.never')}</span>
        )}
      </td>
      <td>
        <span className="row list-acts">
          {mayRun && (
            <button
              type="button"
              className="icon-button"
              aria-label={t('triggers.runNamed', { title })}
              title={t('triggers.run')}
              onClick={() => runNow(one.id)}
            >
              <Zap size={15} />
            </button>
          )}
          {mayChange && (
            <button
              type="button"
              className="icon-button"
              aria-label={one.is_active ? t('triggers.pauseNamed', { title }) : t('triggers.resumeNamed', { title })}
              title={one.is_active ? t('triggers.pause') : t('triggers.resume')}
              onClick={() => turn(one, title)}
            >
              {one.is_active ? <Pause size={15} /> : <Play size={15} />}
            </button>
          )}
          {mayDelete && !one.node_id && (
            <button
              type="button"
              className="icon-button"
              aria-label={t('triggers.deleteNamed', { title })}
              title={t('triggers.delete')}
              onClick={onDrop}
            >
              <Trash2 size={15} />
            </button>
          )}
        </span>
      </td>
    </tr>
  )
}
