// Numbers, times and counts in words, by the language that was chosen.
import { language, t } from './text'

/** The browser's kind of the chosen language: who reads English in London has London's dates. */
const locale = () => navigator.languages.find((one) => one.startsWith(language)) ?? language
/** Made at the first use, since the language is known only then. */
function late<T>(make: (locale: string) => T): () => T {
  let made: T | undefined
  return () => (made ??= make(locale()))
}
const date = (options: Intl.DateTimeFormatOptions) => late((of) => new Intl.DateTimeFormat(of, options))

const whole = late((of) => new Intl.NumberFormat(of))
const compact = late(
  (of) => new Intl.NumberFormat(of, { notation: 'compact', maximumFractionDigits: 1, useGrouping: true }),
)
const share = late((of) => new Intl.NumberFormat(of, { style: 'percent', maximumFractionDigits: 1 }))
const one = late((of) => new Intl.NumberFormat(of, { maximumFractionDigits: 1 }))
const ago = late((of) => new Intl.RelativeTimeFormat(of, { numeric: 'auto', style: 'short' }))
const full = date({ dateStyle: 'medium', timeStyle: 'medium' })
const clock = date({ timeStyle: 'medium' })
const near = date({ timeStyle: 'short' })
const far = date({ dateStyle: 'medium', timeStyle: 'short' })
const day = date({
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
})

export const count = (value: number) => whole().format(value)
export const short = (value: number) => compact().format(value)
/** A part of one as a percentage. */
export const percent = (value: number) => share().format(value)
export const rows = (value: number) => t('work.rows', { n: value })
export const moment = (iso: string) => full().format(new Date(iso))
/** An instant of a schedule: the day of the week matters. */
export const due = (iso: string) => day().format(new Date(iso))
export const time = (iso: string) => clock().format(new Date(iso))
/** An hour of a day, as of a bar of a chart. */
export const hour = (iso: string) => near().format(new Date(iso))

/** A moment ahead: its time today, its date too on another day. */
export function until(iso: string): string {
  const at = new Date(iso)
  return (at.toDateString() === new Date().toDateString() ? near() : far()).format(at)
}

export function took(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${ms < 10_000 ? one().format(ms / 1_000) : Math.round(ms / 1_000)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`
}

export function since(iso: string | null): string {
  if (!iso) return t('work.never')
  const seconds = (new Date(iso).getTime() - Date.now()) / 1_000
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [60, 'second'],
    [3_600, 'minute'],
    [86_400, 'hour'],
    [2_592_000, 'day'],
  ]
  let size = 1
  for (const [limit, unit] of steps) {
    if (Math.abs(seconds) < limit) return ago().format(Math.round(seconds / size), unit)
    size = limit
  }
  return full().format(new Date(iso))
}
