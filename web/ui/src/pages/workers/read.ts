// Queues, workers and dead letters as the API tells them.
import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/call'

export type Queue = {
  queue: string
  depth: number
  held: number
  running: number
  oldest_age_s: number | null
  throughput_per_minute: number
  workers: number
  slots: number
  is_paused: boolean
  paused_at: string | null
  pause_reason: string | null
}
export type Worker = {
  id: string
  hostname: string
  pid: number
  version: string
  plugin_set_hash: string
  queues: string[]
  slots: number
  busy: number
  is_draining: boolean
  drain_requested_at: string | null
  started_at: string
  heartbeat_at: string
  lag_s: number
  is_alive: boolean
}
export type Dead = {
  execution_id: string
  flow_id: string
  node_ids: string[]
  queue: string
  crash_count: number
  finished_at: string
  code: string | null
  reason: string | null
  hint: string | null
}
const OFTEN = { refetchInterval: 5_000 }

export const useQueues = () =>
  useQuery({ queryKey: ['queues'], queryFn: async () => (await call('GET /queues')) as unknown as Queue[], ...OFTEN })
export const useWorkers = () =>
  useQuery({
    queryKey: ['workers'],
    queryFn: async () => (await call('GET /workers')) as unknown as Worker[],
    ...OFTEN,
  })
export const useDead = () =>
  useQuery({
    queryKey: ['dead'],
    queryFn: async () => (await call('GET /queues/dead-letters', { query: { per_page: 100 } })) as unknown as Dead[],
    ...OFTEN,
  })
