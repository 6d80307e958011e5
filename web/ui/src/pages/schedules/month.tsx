// A month of due times: a cell a day; what runs many times a day stands above it, once.
import { useQueries } from '@tanstack/react-query'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { Link } from 'wouter'
import { call } from '../../api/call'
import type { ScheduleOut } from '../../api/types.gen'
import { useAsked } from '../../kit/address'
import { language, t } from '../../lib/text'
import { dayKey, daysOfMonth, shifted, weekdayNames } from './days'
import { scheduleWords } from './words'

const ASKED = 200
const IN_A_CELL = 3
const SCHEDULES_MAX = 60

type Due = { schedule: ScheduleOut; at: Date }

export function Month({ schedules, title }: { schedules: ScheduleOut[]; title: (one: ScheduleOut) => string }) {
  const today = new Date()
  const [asked, setAsked] = useAsked('month')
  const first = /^\d{4}-\d\d$/.test(asked)
    ? new Date(Number(asked.slice(0, 4)), Number(asked.slice(5)) - 1, 1)
    : new Date(today.getFullYear(), today.getMonth(), 1)
  const days = daysOfMonth(first)
  const end = shifted(first, 1)
  const looked = schedules.slice(0, SCHEDULES_MAX)
  const found = useQueries({
    queries: looked.map((one) => ({
      queryKey: ['triggers', 'ahead', one.id, one.row_version, dayKey(first)],
      staleTime: 60_000,
      queryFn: () =>
        call('GET /schedules/{schedule_id}/preview', {
          path: { schedule_id: one.id },
          query: { limit: ASKED, after: first.toISOString() },
        }),
    })),
  })
  const often: ScheduleOut[] = []
  const byDay = new Map<string, Due[]>()
  for (const [at, schedule] of looked.entries()) {
    const next = found[at]?.data?.next ?? []
    const last = next.at(-1)
    if (next.length === ASKED && last && new Date(last) < end) {
      often.push(schedule)
      continue
    }
    for (const text of next) {
      const moment = new Date(text)
      if (moment >= end) break
      byDay.set(dayKey(moment), [...(byDay.get(dayKey(moment)) ?? []), { schedule, at: moment }])
    }
  }
  const go = (by: number) => {
    const to = shifted(first, by)
    setAsked(
      to.getMonth() === today.getMonth() && to.getFullYear() === today.getFullYear() ? '' : dayKey(to).slice(0, 7),
    )
  }
  const name = new Intl.DateTimeFormat(language, { month: 'long', year: 'numeric' }).format(first)
  const error = found.find((one) => one.error)?.error
  return (
    <section className="card month" aria-label={name}>
      <header className="month-head">
        <button
          type="button"
          className="icon-button"
          aria-label={t('schedules.monthBefore')}
          disabled={first <= today}
          onClick={() => go(-1)}
        >
          <ChevronLeft size={17} />
        </button>
        <h2 aria-live="polite">{name}</h2>
        <button type="button" className="icon-button" aria-label={t('schedules.monthAfter')} onClick={() => go(1)}>
          <ChevronRight size={17} />
        </button>
        {asked && (
          <button type="button" className="button" onClick={() => setAsked('')}>
            {t('schedules.today')}
          </button>
        )}
        <span className="grow" />
        {found.some((one) => one.isPending) && (
          <span className="soft" role="status">
            {t('schedules.counting')}
          </span>
        )}
        {error && <span className="field-error">{error.message}</span>}
      </header>
      {often.length > 0 && (
        <ul className="month-often" aria-label={t('schedules.often')}>
          {often.map((one) => (
            <li key={one.id}>
              <Link href={`/schedules/${one.id}`} className="badge" data-tone="run">
                {title(one)}
              </Link>
              <span className="soft">{scheduleWords(one.type, one.expression)}</span>
            </li>
          ))}
        </ul>
      )}
      <table className="month-grid">
        <thead>
          <tr>
            {weekdayNames().map((day) => (
              <th key={day.long} scope="col" abbr={day.long}>
                {day.short}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {days.map((week) => (
            <tr key={dayKey(week[0] ?? first)}>
              {week.map((day) => (
                <Cell
                  key={dayKey(day)}
                  day={day}
                  outside={day.getMonth() !== first.getMonth()}
                  today={dayKey(day) === dayKey(today)}
                  due={(byDay.get(dayKey(day)) ?? []).sort((a, b) => a.at.getTime() - b.at.getTime())}
                  title={title}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="soft month-foot">
        {t('schedules.yourZone')}
        {schedules.length > SCHEDULES_MAX && ` ${t('schedules.firstOnly', { n: SCHEDULES_MAX })}`}
      </p>
    </section>
  )
}

const clock = (at: Date) =>
  new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at)

function Cell({
  day,
  outside,
  today,
  due,
  title,
}: {
  day: Date
  outside: boolean
  today: boolean
  due: Due[]
  title: (one: ScheduleOut) => string
}) {
  const shown = due.length > IN_A_CELL ? due.slice(0, IN_A_CELL - 1) : due
  return (
    <td data-outside={outside || undefined} data-today={today || undefined} data-due={due.length || undefined}>
      <span className="month-day" aria-current={today ? 'date' : undefined}>
        {day.getDate()}
      </span>
      {!outside && (
        <ul>
          {shown.map(({ schedule, at }) => (
            <li key={`${schedule.id}${at.getTime()}`}>
              <Link href={`/schedules/${schedule.id}`} title={`${clock(at)} ${title(schedule)}`}>
                <time dateTime={at.toISOString()}>{clock(at)}</time> <span>{title(schedule)}</span>
              </Link>
            </li>
          ))}
          {due.length > shown.length && (
            <li
              className="soft"
              title={due
                .slice(shown.length)
                .map(({ schedule, at }) => `${clock(at)} ${title(schedule)}`)
                .join('\n')}
            >
              {t('schedules.moreOfDay', { n: due.length - shown.length })}
            </li>
          )}
        </ul>
      )}
    </td>
  )
}
