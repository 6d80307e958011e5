// The year of a calendar: twelve small months, days off marked, named days listed.
import { useQuery } from '@tanstack/react-query'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import type { Day } from '../../api/types.gen'
import { Trouble, Waiting } from '../../kit/parts'
import { language, t } from '../../lib/text'
import { dayKey, daysOfMonth, monthName, weekdayNames } from '../schedules/days'

export function Year({ id, version }: { id: string; version: number }) {
  const [year, setYear] = useState(new Date().getFullYear())
  const { data, error, refetch } = useQuery({
    queryKey: ['calendars', id, 'days', version, year],
    queryFn: () =>
      call('GET /calendars/{calendar_id}/days', {
        path: { calendar_id: id },
        query: { from: `${year}-01-01`, to: `${year}-12-31` },
      }),
  })
  const byDay = new Map(data?.map((one) => [one.date, one]))
  const named = data?.filter((one) => one.name) ?? []
  const working = data?.filter((one) => one.working).length ?? 0
  return (
    <section className="card pane year" aria-label={t('schedules.year', { year: String(year) })}>
      <header className="month-head">
        <button
          type="button"
          className="icon-button"
          aria-label={t('schedules.yearBefore')}
          onClick={() => setYear(year - 1)}
        >
          <ChevronLeft size={17} />
        </button>
        <h2 aria-live="polite">{year}</h2>
        <button
          type="button"
          className="icon-button"
          aria-label={t('schedules.yearAfter')}
          onClick={() => setYear(year + 1)}
        >
          <ChevronRight size={17} />
        </button>
        <span className="grow" />
        {data && <span className="soft">{t('schedules.countDays', { n: working })}</span>}
      </header>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={String(year)} />
      ) : (
        <>
          <div className="year-months">
            {Array.from({ length: 12 }, (_, at) => (
              <Small key={at} year={year} month={at} byDay={byDay} />
            ))}
          </div>
          <p className="year-legend soft">
            <span data-kind="off">1</span>
            {t('schedules.legendOff')}
            <span data-kind="holiday">1</span>
            {t('schedules.legendHoliday')}
            <span data-kind="extra">1</span>
            {t('schedules.legendExtra')}
          </p>
          {named.length > 0 && (
            <>
              <h3>{t('schedules.namedDays')}</h3>
              <ul className="named-days">
                {named.map((one) => (
                  <li key={one.date}>
                    <time dateTime={one.date}>
                      {new Intl.DateTimeFormat(language, {
                        weekday: 'short',
                        day: 'numeric',
                        month: 'short',
                        timeZone: 'UTC',
                      }).format(new Date(`${one.date}T00:00:00Z`))}
                    </time>
                    <span>
                      {one.name}
                      {one.working && <span className="soft"> · {t('schedules.worked')}</span>}
                    </span>
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      )}
    </section>
  )
}

const kindOf = (day: Day | undefined) =>
  !day ? undefined : day.working ? (day.name ? 'extra' : undefined) : day.name ? 'holiday' : 'off'

function Small({ year, month, byDay }: { year: number; month: number; byDay: Map<string, Day> }) {
  return (
    <table className="small-month">
      <caption>{monthName(month)}</caption>
      <thead>
        <tr>
          {weekdayNames().map((day) => (
            <th key={day.long} scope="col" abbr={day.long}>
              {day.narrow}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {daysOfMonth(new Date(year, month, 1)).map((week) => (
          <tr key={dayKey(week[0] ?? new Date())}>
            {week.map((day) => {
              if (day.getMonth() !== month) return <td key={dayKey(day)} />
              const found = byDay.get(dayKey(day))
              const kind = kindOf(found)
              return (
                <td key={dayKey(day)} data-kind={kind} title={found?.name || undefined}>
                  {day.getDate()}
                  {kind && <span className="sr"> {found?.name || t('schedules.legendOff')}</span>}
                </td>
              )
            })}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
