// What starts flows, read whole: pages search and sort it in the browser.
import { useQuery } from '@tanstack/react-query'
import { allOf } from './all'
import { call } from './call'
import type { Trigger } from './triggers'

const OFTEN = { refetchInterval: 10_000 }

export const useAllFlows = () =>
  useQuery({ queryKey: ['flows', 'all'], queryFn: () => allOf('GET /flows', { query: { sort: 'name' } }), staleTime: 30_000 })

/** Names of flows by their id. */
export const useFlowNames = () => new Map(useAllFlows().data?.map((flow) => [flow.id, flow.name]))

export const useAllTriggers = () =>
  useQuery({ queryKey: ['triggers', 'all'], queryFn: () => allOf('GET /triggers') as Promise<unknown> as Promise<Trigger[]>, ...OFTEN })

export const useTrigger = (id: string) =>
  useQuery({ queryKey: ['triggers', 'one', id], queryFn: () => call('GET /triggers/{trigger_id}', { path: { trigger_id: id } }) as Promise<unknown> as Promise<Trigger>, staleTime: 0 })

export const useSchedules = () => useQuery({ queryKey: ['triggers', 'schedules'], queryFn: () => allOf('GET /schedules'), ...OFTEN })
export const useCalendars = () => useQuery({ queryKey: ['calendars'], queryFn: () => allOf('GET /calendars') })
export const useWebhooks = () => useQuery({ queryKey: ['triggers', 'webhooks'], queryFn: () => allOf('GET /webhooks'), ...OFTEN })
