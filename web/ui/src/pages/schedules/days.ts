// Days of months, in the time zone of whoever looks; weeks begin on Monday.
import { language } from '../../lib/text'

export const shifted = (first: Date, months: number) => new Date(first.getFullYear(), first.getMonth() + months, 1)
const two = (value: number) => String(value).padStart(2, '0')
export const dayKey = (day: Date) => `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`

/** The weeks that a month touches, each of seven days. */
export function daysOfMonth(first: Date): Date[][] {
  const back = (first.getDay() + 6) % 7
  const last = new Date(first.getFullYear(), first.getMonth() + 1, 0).getDate()
  return Array.from({ length: Math.ceil((back + last) / 7) }, (_, week) =>
    Array.from({ length: 7 }, (__, day) => new Date(first.getFullYear(), first.getMonth(), 1 - back + week * 7 + day)),
  )
}

/** Monday to Sunday. */
export const weekdayNames = () =>
  Array.from({ length: 7 }, (_, at) => {
    const day = Date.UTC(2024, 0, 1 + at)
    const said = (weekday: 'long' | 'short' | 'narrow') =>
      new Intl.DateTimeFormat(language, { weekday, timeZone: 'UTC' }).format(day)
    return { long: said('long'), short: said('short'), narrow: said('narrow') }
  })
export const monthName = (at: number) =>
  new Intl.DateTimeFormat(language, { month: 'long', timeZone: 'UTC' }).format(Date.UTC(2024, at, 1))
