// What pages read, each with its key; changes name the keys that they make old.
import { QueryClient, keepPreviousData, useQuery } from '@tanstack/react-query'
import { ApiError, get, request } from './client'
import type { Canvas, Connection, Connector, Execution, Flow, LogLine, NodeType, Rows, Wait } from './types'

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => error instanceof ApiError && (error.status === 0 || error.status >= 500) && count < 2,
    },
  },
})

/** After a deletion: lists are asked anew, and nobody asks any more for the thing that is gone. */
export const gone = (key: readonly unknown[], id: string) =>
  client.invalidateQueries({ queryKey: key, predicate: (query) => !query.queryKey.includes(id) })

const FOR_THE_SESSION = { staleTime: Infinity }

export const useNodeTypes = () =>
  useQuery({ queryKey: ['node-types'], queryFn: () => get<NodeType[]>('/node-types'), ...FOR_THE_SESSION })
export const useConnectors = () =>
  useQuery({ queryKey: ['connectors'], queryFn: () => get<Connector[]>('/connectors'), ...FOR_THE_SESSION })
export const useConnections = () =>
  useQuery({ queryKey: ['connections'], queryFn: () => get<Connection[]>('/connections?per_page=100') })
export const useConnection = (id: string) =>
  useQuery({ queryKey: ['connections', id], queryFn: () => get<Connection>(`/connections/${id}`), staleTime: 0 })

export const useFlows = (q = '', page = 1) =>
  useQuery({
    queryKey: ['flows', { q, page }],
    queryFn: () => request<Flow[]>('GET', `/flows?per_page=50&page=${page}&q=${encodeURIComponent(q)}`),
    placeholderData: keepPreviousData,
  })
export const useFlow = (id: string | undefined) =>
  useQuery({ queryKey: ['flow', id], queryFn: () => get<Flow>(`/flows/${id}`), enabled: Boolean(id) })

export const useExecutions = (
  filter: { status?: string; trigger?: string; flow?: string; page?: number; perPage?: number } = {},
) =>
  useQuery({
    queryKey: ['executions', filter],
    queryFn: () => {
      const asked = new URLSearchParams({ page: String(filter.page ?? 1), per_page: String(filter.perPage ?? 50) })
      if (filter.status) asked.set('status', filter.status)
      if (filter.trigger) asked.set('trigger_type', filter.trigger)
      if (filter.flow) asked.set('flow_id', filter.flow)
      return request<Execution[]>('GET', `/executions?${asked}`)
    },
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  })

export const useApprovals = (status = 'open', enabled = true) =>
  useQuery({
    queryKey: ['approvals', status],
    queryFn: () => get<Wait[]>(`/approvals?status=${status}&per_page=100`),
    refetchInterval: 10_000,
    enabled,
  })

/** The canvas that was executed; the flow as it is now where that was not kept. */
export const useDefinition = (executionId: string, flowId: string) =>
  useQuery({
    queryKey: ['definition', executionId],
    retry: false,
    ...FOR_THE_SESSION,
    queryFn: () =>
      get<Canvas>(`/executions/${executionId}/definition`).catch(() => get<Canvas>(`/flows/${flowId}/data`)),
  })

export const useLogs = (executionId: string, stamp: string) =>
  useQuery({
    queryKey: ['logs', executionId, stamp],
    queryFn: () => get<LogLine[]>(`/executions/${executionId}/logs?limit=1000`),
    placeholderData: keepPreviousData,
  })

export const PAGE_ROWS = 200
export const rowsPage = (address: string, page: number, port: string) => ({
  queryKey: ['rows', address, port, page],
  queryFn: () =>
    get<Rows>(
      `${address}?limit=${PAGE_ROWS}&offset=${page * PAGE_ROWS}&port=${encodeURIComponent(port)}&profile=false`,
    ),
  staleTime: 60_000,
})
