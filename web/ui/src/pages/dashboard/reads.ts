// What the dashboard reads: a few lists, each only by those who may.
import { useQuery } from '@tanstack/react-query'
import { call, listed } from '../../api/call'
import type { Answer } from '../../api/call'
import { useMe } from '../../app/me'
import type { Execution, Wait } from '../../api/types'
import type { Slot } from '../../kit/spark'

const OFTEN_MS = 10_000
const SELDOM_MS = 60_000
const LATEST = 8
const NEXT = 6
const DAY_MS = 86_400_000

export type Board = {
  ready: boolean
  error: Error | null
  again: () => void
  slots: Slot[]
  latest: Execution[]
  failed: Execution[]
  names: Map<string, string>
  flows: number
  own: boolean
  approvals: Wait[]
  connections: Answer<'GET /connections'>
  triggers: Answer<'GET /triggers'>
  next: Answer<'GET /schedules/next'> | null
}

export function useDashboard(): Board {
  const me = useMe()
  const may = (permission: string) => Boolean(me?.permissions.includes(permission))
  const often = (permission: string) => ({ refetchInterval: OFTEN_MS, enabled: may(permission) })
  const seldom = (permission: string) => ({ refetchInterval: SELDOM_MS, enabled: may(permission) })
  const slots = useQuery({
    queryKey: ['executions', 'summary'],
    queryFn: () => call('GET /executions/summary'),
    ...often('execution:read'),
  })
  const latest = useQuery({
    queryKey: ['executions', 'latest'],
    queryFn: async () => (await call('GET /executions', { query: { per_page: LATEST } })) as unknown as Execution[],
    ...often('execution:read'),
  })
  const failed = useQuery({
    queryKey: ['executions', 'failed'],
    ...often('execution:read'),
    queryFn: async () =>
      (await call('GET /executions', {
        query: { status: 'failed', per_page: 50, since: new Date(Date.now() - DAY_MS).toISOString() },
      })) as unknown as Execution[],
  })
  const flows = useQuery({
    queryKey: ['flows', 'names'],
    queryFn: () => listed('GET /flows', { query: { per_page: 100 } }),
    ...seldom('flow:read'),
  })
  const approvals = useQuery({
    queryKey: ['approvals', 'open'],
    queryFn: async () =>
      (await call('GET /approvals', { query: { status: 'open', per_page: 100 } })) as unknown as Wait[],
    ...often('execution:read'),
  })
  const connections = useQuery({
    queryKey: ['connections', 'health'],
    queryFn: () => call('GET /connections', { query: { per_page: 100 } }),
    ...seldom('connection:read'),
  })
  const triggers = useQuery({
    queryKey: ['triggers', 'health'],
    queryFn: () => call('GET /triggers', { query: { per_page: 100 } }),
    ...seldom('trigger:read'),
  })
  const next = useQuery({
    queryKey: ['schedules', 'next'],
    queryFn: () => call('GET /schedules/next', { query: { per_page: NEXT } }),
    ...seldom('schedule:read'),
  })
  const first = [slots, latest, flows]
  return {
    ready: Boolean(me) && first.every((one) => one.data || one.fetchStatus === 'idle'),
    error: first.find((one) => one.error)?.error ?? null,
    again: () => first.forEach((one) => void one.refetch()),
    slots: slots.data ?? [],
    latest: latest.data ?? [],
    failed: failed.data ?? [],
    approvals: approvals.data ?? [],
    connections: connections.data ?? [],
    triggers: triggers.data ?? [],
    next: may('schedule:read') ? (next.data ?? []) : null,
    names: new Map(flows.data?.data.map((flow) => [flow.id, flow.name])),
    flows: flows.data?.pagination?.total ?? 0,
    own: Boolean(flows.data?.data.some((flow) => flow.created_by)),
  }
}
