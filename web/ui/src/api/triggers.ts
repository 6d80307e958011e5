// What starts flows by itself, as pages read it.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { get, request } from './client'
import type { Schema, Value } from './types'

export type TriggerType = {
  id: string
  title: string
  mode: 'time' | 'webhook' | 'source' | 'flow' | 'manual' | (string & {})
  summary: string
  icon: string
  docs: string
  node_type: string
  form: Schema
  secrets: Schema
}
export type Trigger = {
  id: string
  flow_id: string
  node_id: string | null
  name: string
  trigger_type: string
  mode: string
  configuration: Value
  secrets: Value
  is_active: boolean
  armed: boolean
  next_fire_at: string | null
  variables: Value
  priority: number
  last_fired_at: string | null
  last_execution_id: string | null
  missed: number
  failures: number
  error: string | null
  row_version: number
  url: string | null
  alias_url: string | null
}
export type Webhook = {
  id: string
  url: string
  alias_url: string | null
  method: string
  authentication: string
  signing_key?: string
}
export type Call = {
  id: string
  method: string
  remote: string
  outcome: string
  status_code: number
  error: string | null
  execution_id: string | null
  created_at: string
}

export const useTriggerTypes = () =>
  useQuery({ queryKey: ['trigger-types'], queryFn: () => get<TriggerType[]>('/triggers/types'), staleTime: Infinity })

export const useTriggers = (page: number) =>
  useQuery({
    queryKey: ['triggers', { page }],
    queryFn: () => request<Trigger[]>('GET', `/triggers?per_page=50&page=${page}`),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  })

/** Triggers of one flow; those of its canvas carry the step's id. */
export const useFlowTriggers = (flowId: string, enabled = true) =>
  useQuery({
    queryKey: ['triggers', { flow: flowId }],
    queryFn: () => get<Trigger[]>(`/flows/${flowId}/triggers?per_page=100`),
    enabled,
    refetchInterval: 10_000,
  })

export const useWebhook = (id: string, enabled: boolean) =>
  useQuery({ queryKey: ['webhook', id], queryFn: () => get<Webhook>(`/webhooks/${id}`), enabled })

export const useCalls = (id: string) =>
  useQuery({
    queryKey: ['webhook', id, 'calls'],
    queryFn: () => get<Call[]>(`/webhooks/${id}/calls?per_page=10`),
    refetchInterval: 5_000,
  })
