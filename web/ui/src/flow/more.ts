// The second line of a step: what it said last, or what it is.
import { count, took, until } from '../lib/format'
import type { Live } from './run'

const WAITS: Record<string, string> = { timer: 'waits', callback: 'waits for an answer', children: 'executes what is inside' }
const UNDO: Record<string, string> = { due: 'will be undone', running: 'is being undone…', completed: 'undone', failed: 'could not be undone' }

export function moreOf(run: Live | undefined, otherwise: string): string {
  if (!run) return otherwise
  if (run.error) return run.error.message
  if (run.compensation && UNDO[run.compensation]) return UNDO[run.compensation] as string
  if (run.status === 'parked') return `${WAITS[run.waits_for ?? ''] ?? 'waits'}${run.resumes_at ? ` until ${until(run.resumes_at)}` : ''}`
  if (run.status === 'waiting' && run.resumes_at) return `tries again ${until(run.resumes_at)}`
  if (run.status === 'skipped') return 'not taken'
  if (run.status === 'running') return run.rows_out ? `${count(run.rows_out)} rows so far` : 'running…'
  const parts = [run.rows_out === null || run.rows_out === undefined ? '' : `${count(run.rows_out)} rows`, run.duration_ms ? took(run.duration_ms) : '']
  return parts.filter(Boolean).join(' · ') || otherwise
}
