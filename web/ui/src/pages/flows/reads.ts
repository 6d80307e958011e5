// What the page of flows reads.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { call, listed } from '../../api/call'
import type { Answer, Asked } from '../../api/call'
import { client } from '../../api/queries'

export type Flow = Answer<'GET /flows'>[number]
export type Folder = Answer<'GET /workspaces/{workspace_id}/folders'>[number]
export type Place = { workspace?: string; folder?: string }
type Filter = { q: string; status: string; kind: string; workspace: string; folder: string }
type Query = NonNullable<Asked<'GET /flows'>['query']>

export const useFlowList = ({ q, status, kind, workspace, folder }: Filter, page: number) =>
  useQuery({
    queryKey: ['flows', 'list', { q, status, kind, workspace, folder, page }],
    queryFn: () =>
      listed('GET /flows', {
        query: { q, status, kind, workspace_id: workspace, folder_id: folder, page, per_page: 48 } as Query,
      }),
    placeholderData: keepPreviousData,
  })

export const useWorkspaces = () =>
  useQuery({
    queryKey: ['workspaces'],
    queryFn: () => call('GET /workspaces', { query: { per_page: 100 } }),
    staleTime: 30_000,
  })

export const useFolders = (workspace: string) =>
  useQuery({
    queryKey: ['folders', workspace],
    enabled: Boolean(workspace),
    staleTime: 30_000,
    queryFn: () => call('GET /workspaces/{workspace_id}/folders', { path: { workspace_id: workspace } }),
  })

/** The last execution of each of these flows, as far as the newest hundred go. */
export const useLast = () =>
  useQuery({
    queryKey: ['executions', 'last'],
    refetchInterval: 10_000,
    queryFn: () => call('GET /executions', { query: { per_page: 100 } }),
  })

export const stale = () => void client.invalidateQueries({ queryKey: ['flows'] })
