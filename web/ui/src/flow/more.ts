// The second line of a step: what it said last, or what it is.
import { count, rows, took, until } from '../lib/format'
import { t } from '../lib/text'
import type { Live } from './run'

const UNDOING = new Set(['due', 'running', 'completed', 'failed'])
const WAITS = new Set(['timer', 'callback', 'children'])

export function moreOf(run: Live | undefined, otherwise: string): string {
  if (!run) return otherwise
  if (run.error) return run.error.message
  if (run.compensation && UNDOING.has(run.compensation)) return t(`flow.undo.${run.compensation}`)
  if (run.status === 'parked') {
    const what = t(`flow.waits.${WAITS.has(run.waits_for ?? '') ? run.waits_for : 'timer'}`)
    return run.resumes_at ? t('flow.until', { what, at: until(run.resumes_at) }) : what
  }
  if (run.status === 'waiting' && run.resumes_at) return t('flow.again', { at: until(run.resumes_at) })
  if (run.status === 'skipped') return t('flow.notTaken')
  if (run.status === 'running') return run.rows_out ? t('flow.soFar', { rows: count(run.rows_out) }) : t('flow.running')
  const parts = [
    run.rows_out === null || run.rows_out === undefined ? '' : rows(run.rows_out),
    run.duration_ms ? took(run.duration_ms) : '',
  ]
  return parts.filter(Boolean).join(' · ') || otherwise
}
