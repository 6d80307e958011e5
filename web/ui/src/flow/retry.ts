// The run that is shown, once more from a step: what came before keeps its rows, the flow is taken as it is now.
import { call } from '../api/call'
import { fail, say } from '../kit/toasts'
import { t } from '../lib/text'
import type { FlowPage } from './context'
import { useRun, watch } from './run'
import { useDoc } from './store'

export const canRetry = () => {
  const { execution, live } = useRun.getState()
  return Boolean(execution && !live)
}

export async function retryFrom({ save }: FlowPage, node: string): Promise<void> {
  const { execution } = useRun.getState()
  if (!execution || !canRetry()) return say(t('flow.retry.none'))
  try {
    if (useDoc.getState().dirty && !(await save(true))) return
    const body = { from: 'node' as const, node_ids: [node], version: 'latest' as const }
    const made = await call('POST /executions/{execution_id}/retry', { path: { execution_id: execution.id }, body })
    await watch(String(made.execution_id ?? made.id))
  } catch (error) {
    fail(error)
  }
}
