// What starts flows, read whole: pages search and sort it in the browser.
import { useQuery } from '@tanstack/react-query'
import { useMay } from '../app/me'
import { allOf } from './all'
import { call } from './call'
import type { Trigger } from './triggers'

const OFTEN = { refetchInterval: 10_000 }

export const useAllFlows = () =>
  useQuery({
    queryKey: ['flows', 'all'],
    queryFn: () => allOf('GET /flows', { query: { sort: 'name' } }),
    staleTime: 30_000,
  })

export const useJobs = () =>
  useQuery({ queryKey: ['jobs'], queryFn: () => allOf('GET /jobs'), enabled: useMay('job:read') })
export const usePackages = () =>
  useQuery({ queryKey: ['jobs', 'packages'], queryFn: () => allOf('GET /job-packages'), enabled: useMay('job:read') })

export type Target = { name: string; href: string }
/** What triggers start, by its id: flows, and jobs with their packages, which are flows of their own kind. */
export function useTargets(): Map<string, Target> {
  const flows = useAllFlows().data ?? []
  const jobs = useJobs().data ?? []
  const packages = usePackages().data ?? []
  const listed = (rows: { id: string; name: string }[], place: string) =>
    rows.map(({ id, name }): [string, Target] => [id, { name, href: `${place}/${id}` }])
  return new Map([...listed(flows, '/flows'), ...listed(jobs, '/jobs'), ...listed(packages, '/job-packages')])
}

/** Names of flows by their id. */
export const useFlowNames = () => new Map(useAllFlows().data?.map((flow) => [flow.id, flow.name]))

export const useAllTriggers = () =>
  useQuery({
    queryKey: ['triggers', 'all'],
    queryFn: () => allOf('GET /triggers') as Promise<unknown> as Promise<Trigger[]>,
    ...OFTEN,
  })

export const useTrigger = (id: string) =>
  useQuery({
    queryKey: ['triggers', 'one', id],
    queryFn: () =>
      call('GET /triggers/{trigger_id}', { path: { trigger_id: id } }) as Promise<unknown> as Promise<Trigger>,
    staleTime: 0,
  })

export const useSchedules = () =>
  useQuery({ queryKey: ['triggers', 'schedules'], queryFn: () => allOf('GET /schedules'), ...OFTEN })
export const useCalendars = () => useQuery({ queryKey: ['calendars'], queryFn: () => allOf('GET /calendars') })
export const useWebhooks = () =>
  useQuery({ queryKey: ['triggers', 'webhooks'], queryFn: () => allOf('GET /webhooks'), ...OFTEN })
