// Numbers, times and counts in words, by the browser's language.
const whole = new Intl.NumberFormat()
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

export const count = (value: number) => whole.format(value)
export const short = (value: number) => compact.format(value)
export const rows = (value: number) => `${whole.format(value)} ${value === 1 ? 'row' : 'rows'}`
export const moment = (iso: string) => date.format(new Date(iso))
const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: 'numeric', minute: '2-digit' })
/** An instant of a schedule: the day of the week matters. */
export const due = (iso: string) => day.format(new Date(iso))
export const time = (iso: string) => clock.format(new Date(iso))

const near = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const far = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
/** A moment ahead: its time today, its date too on another day. */
export function until(iso: string): string {
  const at = new Date(iso)
  return (at.toDateString() === new Date().toDateString() ? near : far).format(at)
}

export function took(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} m`
}

export function since(iso: string | null): string {
  if (!iso) return 'never'
  const seconds = (new Date(iso).getTime() - Date.now()) / 1_000
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [[60, 'second'], [3_600, 'minute'], [86_400, 'hour'], [2_592_000, 'day']]
  let size = 1
  for (const [limit, unit] of steps) {
    if (Math.abs(seconds) < limit) return ago.format(Math.round(seconds / size), unit)
    size = limit
  }
  return date.format(new Date(iso))
}
