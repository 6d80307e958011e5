// One calendar: working days, holidays of a country, own dates, and the year that they make.
import { Plus, Trash2, X } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/call'
import { ApiError } from '../../api/client'
import { client, gone } from '../../api/queries'
import type { CalendarOut, OwnDate } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { Dialog } from '../../kit/dialog'
import { useBase } from '../../kit/base'
import { LabelledField } from '../../kit/field'
import { Page, Trouble, Waiting } from '../../kit/parts'
import { fail, say } from '../../kit/toasts'
import { language, t } from '../../lib/text'
import '../../styles/sources.css'
import { weekdayNames } from '../schedules/days'
import { Year } from './year'

type Body = {
  name: string
  description: string
  working_days: number[]
  country: string
  subdivision: string
  dates: OwnDate[]
  shift: 'skip' | 'next' | 'previous'
}
const EMPTY: Body = {
  name: '',
  description: '',
  working_days: [1, 2, 3, 4, 5],
  country: '',
  subdivision: '',
  dates: [],
  shift: 'skip',
}
const SHIFTS = ['skip', 'next', 'previous'] as const
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

export default function CalendarPage({ id }: { id?: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['calendars', id],
    queryFn: () => call('GET /calendars/{calendar_id}', { path: { calendar_id: id ?? '' } }),
    enabled: Boolean(id),
    staleTime: 0,
  })
  const [round, setRound] = useState(0)
  const title = data?.name ?? (id ? t('schedules.calendar') : t('schedules.newCalendar'))
  useTitle(title)
  if (error)
    return (
      <Page title={title}>
        <Trouble error={error} again={() => void refetch()} />
        <Link href="/calendars" className="button">
          {t('schedules.calendars')}
        </Link>
      </Page>
    )
  if (id && !data)
    return (
      <Page title={title}>
        <Waiting what={t('schedules.calendar')} />
      </Page>
    )
  return <Known key={round} stored={data} title={title} onSaved={() => setRound(round + 1)} />
}

/** Every country that has a name, by name. */
function countries(): [string, string][] {
  const names = new Intl.DisplayNames(language, { type: 'region', fallback: 'none' })
  const found: [string, string][] = []
  for (const a of LETTERS)
    for (const b of LETTERS) {
      const name = names.of(a + b)
      if (name && !['EU', 'EZ', 'UN', 'QO', 'XA', 'XB', 'ZZ'].includes(a + b)) found.push([a + b, name])
    }
  return found.sort((x, y) => x[1].localeCompare(y[1], language))
}

function Known({ stored, title, onSaved }: { stored: CalendarOut | undefined; title: string; onSaved: () => void }) {
  const [, go] = useLocation()
  const [body, setBody] = useState<Body>(() => (stored ? { ...EMPTY, ...(stored as unknown as Body) } : EMPTY))
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const version = useBase(stored, ({ updated_at: _at, row_version: _version, ...own }) => own)
  const [dropping, setDropping] = useState(false)
  const mayChange = useMay(stored ? 'schedule:update' : 'schedule:create')
  const mayDelete = useMay('schedule:delete')
  const listed = useMemo(countries, [])
  const set = (part: Partial<Body>) => setBody((now) => ({ ...now, ...part }))
  const fields = (): Body => ({
    name: body.name,
    description: body.description,
    working_days: body.working_days,
    country: body.country,
    subdivision: body.subdivision,
    dates: body.dates.filter((one) => one.date),
    shift: body.shift,
  })
  const save = async () => {
    setBusy(true)
    setErrors({})
    try {
      const made = stored
        ? await call('PATCH /calendars/{calendar_id}', { path: { calendar_id: stored.id }, body: fields(), version })
        : await call('POST /calendars', { body: fields() })
      await client.invalidateQueries({ queryKey: ['calendars'] })
      say(t('schedules.calendarSaved', { name: made.name }), 'ok')
      onSaved()
      go(`/calendars/${made.id}`)
    } catch (error) {
      if (error instanceof ApiError) setErrors(error.fields)
      else fail(error)
    } finally {
      setBusy(false)
    }
  }
  const drop = () =>
    stored
    && void call('DELETE /calendars/{calendar_id}', { path: { calendar_id: stored.id } })
      .then(() => {
        say(t('schedules.calendarDropped'), 'ok')
        go('/calendars')
        return gone(['calendars'], stored.id)
      })
      .catch((error: unknown) => {
        setDropping(false)
        fail(error)
      })
  const toggle = (day: number) =>
    set({
      working_days: body.working_days.includes(day)
        ? body.working_days.filter((one) => one !== day)
        : [...body.working_days, day].sort((a, b) => a - b),
    })
  const own = (at: number, part: Partial<OwnDate>) =>
    set({ dates: body.dates.map((one, index) => (index === at ? { ...one, ...part } : one)) })
  const general =
    errors['']
    ?? Object.entries(errors).find(
      ([path]) => path && !['name', 'country', 'subdivision', 'working_days'].includes(path),
    )?.[1]
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          <p className="soft">{t('schedules.calendar.text')}</p>
        </div>
        {stored && mayDelete && (
          <div className="row">
            <button type="button" className="button" onClick={() => setDropping(true)}>
              <Trash2 size={15} aria-hidden="true" />
              {t('schedules.delete')}
            </button>
          </div>
        )}
      </header>
      <div className={stored ? 'beside calendar-beside' : undefined}>
        <form
          className="card pane connection-form"
          aria-label={t('schedules.calendar')}
          onSubmit={(event) => {
            event.preventDefault()
            void save()
          }}
        >
          {general && (
            <div className="notice" data-tone="error" role="alert">
              {general}
            </div>
          )}
          <fieldset className="bare" disabled={!mayChange}>
            <LabelledField label={t('schedules.name')} required error={errors.name}>
              {(marks) => (
                <input
                  {...marks}
                  required
                  maxLength={255}
                  value={body.name}
                  onChange={({ target }) => set({ name: target.value })}
                />
              )}
            </LabelledField>
            <LabelledField label={t('schedules.note')}>
              {(marks) => (
                <input
                  {...marks}
                  value={body.description}
                  onChange={({ target }) => set({ description: target.value })}
                />
              )}
            </LabelledField>
            <div className="field" role="group" aria-labelledby="working-days">
              <span className="label" id="working-days">
                {t('schedules.workingDays')}
              </span>
              <div className="day-toggles">
                {weekdayNames().map((day, at) => (
                  <label key={day.long} title={day.long}>
                    <input
                      type="checkbox"
                      aria-label={day.long}
                      checked={body.working_days.includes(at + 1)}
                      onChange={() => toggle(at + 1)}
                    />
                    <span>{day.short}</span>
                  </label>
                ))}
              </div>
              {errors.working_days && (
                <p className="field-error" role="alert">
                  {errors.working_days}
                </p>
              )}
            </div>
            <LabelledField
              label={t('schedules.holidaysOf')}
              error={errors.country}
              help={t('schedules.holidaysOf.help')}
            >
              {(marks) => (
                <select
                  {...marks}
                  value={body.country}
                  onChange={({ target }) => set({ country: target.value, subdivision: '' })}
                >
                  <option value="">{t('schedules.noHolidays')}</option>
                  {listed.map(([code, name]) => (
                    <option key={code} value={code}>
                      {name}
                    </option>
                  ))}
                </select>
              )}
            </LabelledField>
            {body.country && (
              <LabelledField
                label={t('schedules.subdivision')}
                error={errors.subdivision}
                help={t('schedules.subdivision.help')}
              >
                {(marks) => (
                  <input
                    {...marks}
                    maxLength={10}
                    value={body.subdivision}
                    onChange={({ target }) => set({ subdivision: target.value.toUpperCase() })}
                  />
                )}
              </LabelledField>
            )}
            <LabelledField label={t('schedules.otherDays')} help={t('schedules.otherDays.help')}>
              {(marks) => (
                <select
                  {...marks}
                  value={body.shift}
                  onChange={({ target }) => set({ shift: target.value as Body['shift'] })}
                >
                  {SHIFTS.map((one) => (
                    <option key={one} value={one}>
                      {t(`schedules.shift.${one}`)}
                    </option>
                  ))}
                </select>
              )}
            </LabelledField>
            <div className="field" role="group" aria-labelledby="own-dates">
              <span className="label" id="own-dates">
                {t('schedules.ownDates')}
              </span>
              <ul className="own-dates">
                {body.dates.map((one, at) => (
                  <li key={at}>
                    <input
                      type="date"
                      aria-label={t('schedules.date')}
                      required
                      value={one.date}
                      onChange={({ target }) => own(at, { date: target.value })}
                    />
                    <input
                      aria-label={t('schedules.dateName')}
                      placeholder={t('schedules.dateName')}
                      value={one.name ?? ''}
                      onChange={({ target }) => own(at, { name: target.value })}
                    />
                    <select
                      aria-label={t('schedules.dateKind')}
                      value={one.working ? 'on' : 'off'}
                      onChange={({ target }) => own(at, { working: target.value === 'on' })}
                    >
                      <option value="off">{t('schedules.off')}</option>
                      <option value="on">{t('schedules.worked')}</option>
                    </select>
                    <button
                      type="button"
                      className="icon-button"
                      aria-label={t('schedules.takeAway', { date: one.date })}
                      onClick={() => set({ dates: body.dates.filter((_, index) => index !== at) })}
                    >
                      <X size={15} />
                    </button>
                  </li>
                ))}
              </ul>
              <button
                type="button"
                className="button"
                onClick={() => set({ dates: [...body.dates, { date: '', name: '', working: false }] })}
              >
                <Plus size={15} aria-hidden="true" />
                {t('schedules.addDate')}
              </button>
            </div>
          </fieldset>
          <footer className="form-foot">
            <span className="grow" />
            <button type="button" className="button" onClick={() => go('/calendars')}>
              {t('schedules.cancel')}
            </button>
            {mayChange && (
              <button className="button primary" disabled={busy}>
                {t('schedules.save')}
              </button>
            )}
          </footer>
        </form>
        {stored && <Year id={stored.id} version={stored.row_version} />}
      </div>
      {dropping && (
        <Dialog
          title={t('schedules.dropCalendar', { name: title })}
          text={t('schedules.dropCalendar.why')}
          onClose={() => setDropping(false)}
        >
          <footer className="dialog-foot">
            <button type="button" className="button" onClick={() => setDropping(false)}>
              {t('schedules.cancel')}
            </button>
            <button type="button" className="button danger" onClick={drop}>
              {t('schedules.delete')}
            </button>
          </footer>
        </Dialog>
      )}
    </main>
  )
}
