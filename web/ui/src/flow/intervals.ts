// From recorded times to the parts of a row of the timeline: tries, and what the step waited for between them.
import type { Attempt } from '../api/types.gen'
import type { Live } from './run'

export type Part = {
  kind: 'work' | 'tried' | 'waits' | 'retries'
  from: number
  to: number
  attempt: number
  status: string
}
export type Track = { id: string; from: number; to: number; parts: Part[]; status: string; open: boolean }

const at = (iso: string | null | undefined, now: number) => (iso ? Date.parse(iso) : now)
const OPEN = new Set(['running', 'parked', 'waiting', 'retrying', 'queued', 'pending', 'cancelling'])

/** Tracks of the steps that began, in the order in which they did; what is open ends `now`. */
export function tracks(nodes: Record<string, Live>, attempts: Attempt[], now: number): Track[] {
  const bySegment = new Map<number, Attempt[]>()
  attempts.forEach((one) => bySegment.set(one.segment_no, [...(bySegment.get(one.segment_no) ?? []), one]))
  return Object.values(nodes)
    .map((node) => track(node, bySegment.get(node.segment_no ?? -1) ?? [], now))
    .filter((one): one is Track => one !== null)
    .sort((a, b) => a.from - b.from || a.to - b.to)
}

function track(node: Live, tries: Attempt[], now: number): Track | null {
  const { node_id: id, status } = node
  if (status === 'skipped') return null
  if (!node.started_at && node.completed_at && (node.cache_hit || node.pinned)) {
    const taken = Date.parse(node.completed_at)
    return {
      id,
      status,
      parts: [{ kind: 'work', from: taken, to: taken, attempt: 1, status }],
      from: taken,
      to: taken,
      open: false,
    }
  }
  const parts: Part[] = []
  const last = node.attempt ?? tries.at(-1)?.attempt ?? 1
  const recorded = node.started_at && node.completed_at
  tries.forEach((one, index) => {
    const from = Date.parse(one.started_at)
    const to = at(one.finished_at, now)
    const next = tries[index + 1]
    const mine = index === tries.length - 1 || (recorded && one.attempt >= last)
    if (!mine) {
      parts.push({
        kind: one.outcome === 'parked' ? 'work' : 'tried',
        from,
        to,
        attempt: one.attempt,
        status: one.outcome === 'parked' ? 'completed' : (one.outcome ?? 'running'),
      })
      if (next)
        parts.push({
          kind: one.outcome === 'parked' ? 'waits' : 'retries',
          from: to,
          to: Date.parse(next.started_at),
          attempt: one.attempt,
          status: one.outcome ?? '',
        })
    } else if (!recorded && (status !== 'pending' || one.outcome)) {
      parts.push({
        kind: one.outcome === 'retried' ? 'tried' : 'work',
        from,
        to,
        attempt: one.attempt,
        status: one.finished_at ? status : 'running',
      })
      if (status === 'parked' && one.finished_at)
        parts.push({ kind: 'waits', from: to, to: now, attempt: one.attempt, status })
      if (status === 'waiting' && one.finished_at)
        parts.push({ kind: 'retries', from: to, to: now, attempt: one.attempt, status })
    }
  })
  if (node.started_at && (recorded || !parts.length)) {
    const from = Date.parse(node.started_at)
    const to = at(node.completed_at, now)
    const before = parts.filter((part) => part.from < from).map((part) => ({ ...part, to: Math.min(part.to, from) }))
    parts.splice(0, parts.length, ...before, {
      kind: status === 'parked' ? 'waits' : 'work',
      from,
      to,
      attempt: last,
      status,
    })
  }
  const [first] = parts
  if (!first) return null
  return { id, status, parts, from: first.from, to: Math.max(...parts.map((part) => part.to)), open: OPEN.has(status) }
}

/** Round steps of time for an axis: at most about `most` marks between two times. */
export function marks(from: number, to: number, most: number): number[] {
  const span = Math.max(1, to - from)
  const steps = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000,
  ]
  const wanted = span / Math.max(1, most)
  const step = steps.find((one) => one >= wanted) ?? Math.ceil(wanted / 86_400_000) * 86_400_000
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, index) => index * step)
}
