// Executions by what the page asks for, as they run.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { listed } from '../../api/call'
import type { Asked } from '../../api/call'
import { client } from '../../api/queries'
import type { Execution, Pagination } from '../../api/types'

type Filter = { status: string; trigger: string; flow: string; since: string; until: string }
type Query = NonNullable<Asked<'GET /executions'>['query']>

export const useExecutionList = ({ status, trigger, flow, since, until }: Filter, page: number) =>
  useQuery({
    queryKey: ['executions', 'list', { status, trigger, flow, since, until, page }],
    queryFn: async () => {
      const query = { status, trigger_type: trigger, flow_id: flow, since, until, page, per_page: 50 } as Query
      return (await listed('GET /executions', { query })) as unknown as { data: Execution[]; pagination?: Pagination }
    },
    placeholderData: keepPreviousData,
    refetchInterval: 4_000,
  })

export const stale = () => void client.invalidateQueries({ queryKey: ['executions'] })
