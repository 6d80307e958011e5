// Business calendars: which days count for the schedules that use them.
import { Plus } from 'lucide-react'
import { Link } from 'wouter'
import { useCalendars } from '../../api/starts'
import type { CalendarOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { language, t } from '../../lib/text'
import '../../styles/sources.css'
import { weekdayNames } from '../schedules/days'
import { StartTabs } from '../triggers/tabs'

export const countryName = (code: string) => new Intl.DisplayNames(language, { type: 'region' }).of(code) ?? code

export function workingDays(days: number[]): string {
  const names = weekdayNames()
  const row = [...days].sort((a, b) => a - b)
  const joined = row.length > 2 && row.every((day, at) => at === 0 || day === (row[at - 1] ?? 0) + 1)
  const said = row.map((day) => names[day - 1]?.short ?? '')
  return joined ? `${said[0]}–${said.at(-1)}` : said.join(', ')
}

export default function Calendars() {
  useTitle(t('schedules.calendars'))
  const { data, error, refetch } = useCalendars()
  const may = useMay('schedule:create')
  const add = may && (
    <Link href="/calendars/new" className="button primary">
      <Plus size={16} aria-hidden="true" />
      {t('schedules.newCalendar')}
    </Link>
  )
  return (
    <Page title={t('schedules.calendars')} text={t('schedules.calendars.text')} actions={add}>
      <StartTabs at="/calendars" />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('schedules.calendars')} />
      ) : data.length === 0 ? (
        <Empty title={t('schedules.noCalendars')} text={t('schedules.noCalendars.why')}>
          {add}
        </Empty>
      ) : (
        <div className="card table-card" tabIndex={0} role="region" aria-label={t('schedules.calendars')}>
          <table className="list stacked">
            <thead>
              <tr>
                <th scope="col">{t('schedules.calendar')}</th>
                <th scope="col">{t('schedules.workingDays')}</th>
                <th scope="col">{t('schedules.holidays')}</th>
                <th scope="col" data-numeric>
                  {t('schedules.ownDates')}
                </th>
                <th scope="col">{t('schedules.otherDays')}</th>
              </tr>
            </thead>
            <tbody>
              {data.map((one: CalendarOut) => (
                <tr key={one.id}>
                  <td>
                    <Link href={`/calendars/${one.id}`}>{one.name}</Link>
                    {one.description && <span className="soft list-error">{one.description}</span>}
                  </td>
                  <td data-column={t('schedules.workingDays')}>{workingDays(one.working_days)}</td>
                  <td data-column={t('schedules.holidays')}>
                    {one.country ? (
                      `${countryName(one.country)}${one.subdivision && ` · ${one.subdivision}`}`
                    ) : (
                      <span className="soft">–</span>
                    )}
                  </td>
                  <td data-numeric data-column={t('schedules.ownDates')}>
                    {one.dates.length}
                  </td>
                  <td className="soft" data-column={t('schedules.otherDays')}>
                    {t(`schedules.shift.${one.shift}`)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Page>
  )
}
