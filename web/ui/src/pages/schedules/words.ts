// A cron expression in words; '' for what cannot be said shortly.
import { language, t } from '../../lib/text'

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const TIMES_MAX = 6

const list = (parts: string[]) => new Intl.ListFormat(language, { type: 'conjunction' }).format(parts)
const weekday = (at: number) =>
  new Intl.DateTimeFormat(language, { weekday: 'long', timeZone: 'UTC' }).format(Date.UTC(2023, 0, 1 + (at % 7)))
const month = (at: number) =>
  new Intl.DateTimeFormat(language, { month: 'long', timeZone: 'UTC' }).format(Date.UTC(2023, at - 1, 1))
const two = (value: number) => String(value).padStart(2, '0')
const number = (text: string, names: string[] = [], first = 0) => {
  const named = names.indexOf(text.toLowerCase())
  return named >= 0 ? named + first : /^\d+$/.test(text) ? Number(text) : NaN
}
const numbers = (text: string) => {
  const found = text.split(',').map((one) => number(one))
  return found.some(Number.isNaN) ? null : found
}
const step = (text: string) => {
  const found = /^(?:\*|0)\/(\d+)$/.exec(text)
  return found ? Number(found[1]) : 0
}
const range = (text: string) => {
  const found = /^(\d+)-(\d+)$/.exec(text)
  return found ? ([Number(found[1]), Number(found[2])] as const) : null
}

function timesOf(minute: string, hour: string): string {
  const every = minute === '*' ? 1 : step(minute)
  const within = range(hour)
  if (every) {
    const often = every === 1 ? t('schedules.say.everyMinute') : t('schedules.say.everyMinutes', { n: every })
    if (hour === '*') return often
    return within ? t('schedules.say.between', { often, from: within[0], to: within[1] }) : ''
  }
  const minutes = numbers(minute)
  if (!minutes) return ''
  const past = list(minutes.map((one) => `:${two(one)}`))
  if (hour === '*') return t('schedules.say.everyHour', { past })
  if (step(hour)) return t('schedules.say.everyHours', { past, every: step(hour) })
  if (within) return t('schedules.say.hoursBetween', { past, from: within[0], to: within[1] })
  const hours = numbers(hour)
  if (!hours || hours.length * minutes.length > TIMES_MAX) return ''
  return t('schedules.say.at', {
    times: list(hours.flatMap((one) => minutes.map((past) => `${two(one)}:${two(past)}`))),
  })
}

function weekdaysOf(text: string): string {
  const nth = /^([a-z]{3}|\d)#([1-5])$/i.exec(text)
  const last = /^([a-z]{3}|\d)L$/i.exec(text)
  if (nth?.[1]) return t(`schedules.say.nth.${nth[2]}`, { day: weekday(number(nth[1], DAYS)) })
  if (last?.[1]) return t('schedules.say.nth.last', { day: weekday(number(last[1], DAYS)) })
  const parts = text.split(',').map((part) => {
    const [from = '', to] = part.split('-')
    const days = [from, ...(to === undefined ? [] : [to])].map((one) => number(one, DAYS))
    return days.some(Number.isNaN)
      ? ''
      : days.length === 2
        ? t('schedules.say.to', { from: weekday(days[0] ?? 0), to: weekday(days[1] ?? 0) })
        : weekday(days[0] ?? 0)
  })
  return parts.every(Boolean) ? list(parts) : ''
}

function monthDaysOf(text: string): string {
  if (text.toUpperCase() === 'L') return t('schedules.say.lastDay')
  if (step(text) > 1) return t('schedules.say.everyDays', { n: step(text) })
  const days = numbers(text)
  const within = range(text)
  return within
    ? t('schedules.say.days', { days: t('schedules.say.to', { from: String(within[0]), to: String(within[1]) }) })
    : days
      ? t('schedules.say.days', { days: list(days.map(String)) })
      : ''
}

function monthsOf(text: string): string | null {
  if (text === '*') return ''
  const parts = text.split(',').map((part) => {
    const ends = part.split('-').map((one) => number(one, MONTHS, 1))
    return ends.some(Number.isNaN) || ends.length > 2
      ? ''
      : ends.length === 2
        ? t('schedules.say.to', { from: month(ends[0] ?? 1), to: month(ends[1] ?? 1) })
        : month(ends[0] ?? 1)
  })
  return parts.every(Boolean) ? t('schedules.say.in', { months: list(parts) }) : null
}

export function cronWords(expression: string): string {
  const fields = expression.trim().split(/\s+/)
  const [seconds, minute = '', hour = '', day = '', months = '', week = ''] =
    fields.length === 6 ? fields : ['0', ...fields]
  if (fields.length < 5 || fields.length > 6 || seconds !== '0') return ''
  const any = (text: string) => text === '*' || text === '?'
  const times = timesOf(minute, hour)
  const days =
    any(day) && any(week)
      ? t('schedules.say.everyDay')
      : any(day)
        ? weekdaysOf(week)
        : any(week)
          ? monthDaysOf(day)
          : [monthDaysOf(day), weekdaysOf(week)].every(Boolean)
            ? t('schedules.say.or', { a: monthDaysOf(day), b: weekdaysOf(week) })
            : ''
  const when = monthsOf(months)
  if (!times || !days || when === null) return ''
  const often = any(day) && any(week) && (minute === '*' || step(minute) > 0 || any(hour))
  return [times, ...(often ? [] : [days]), ...(when ? [when] : [])].join(', ')
}

/** A schedule in words, whatever its kind; what cannot be said is shown as it is written. */
export function scheduleWords(type: string, expression: string): string {
  if (type === 'cron') return cronWords(expression) || expression
  const found = type === 'interval' ? /^(\d+)(s|m|h|d|w|mo)$/.exec(expression) : null
  return found ? t(`schedules.every.${found[2]}`, { n: Number(found[1]) }) : expression
}
