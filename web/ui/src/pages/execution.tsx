// One execution: its state, what went wrong, what it waits for, and each step with rows, time and log.
import { CornerLeftUp } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import { useDefinition, useFlow, useNodeTypes } from '../api/queries'
import type { Execution } from '../api/types'
import { useTitle } from '../app/title'
import { leave, useRun, watch } from '../flow/run'
import { State } from '../kit/icon'
import { Page, Trouble, Waiting } from '../kit/parts'
import { count } from '../lib/format'
import { t } from '../lib/text'
import { Acts } from './execution/acts'
import { Facts } from './execution/facts'
import { Parts } from './execution/parts'
import '../styles/results.css'

export default function ExecutionPage({ id }: { id: string }) {
  const [error, setError] = useState<Error | null>(null)
  const execution = useRun((state) => state.execution)
  const flow = useFlow(execution?.flow_id)
  useTitle(flow.data ? t('execution.of', { name: flow.data.name }) : t('execution.title'))
  const open = () => {
    setError(null)
    watch(id).catch(setError)
  }
  useEffect(() => {
    open()
    return leave
  }, [id])
  if (error)
    return (
      <Page title={t('execution.title')}>
        <Trouble error={error} again={open} />
        <Link href="/executions" className="button">
          {t('places.executions')}
        </Link>
      </Page>
    )
  if (!execution || execution.id !== id)
    return (
      <Page title={t('execution.title')}>
        <Waiting what={t('execution.this')} />
      </Page>
    )
  return (
    <Page
      title={flow.data?.name ?? t('execution.title')}
      text={<Standing execution={execution} />}
      actions={<Acts execution={execution} />}
    >
      <div className="execution">
        <Facts execution={execution} />
        <Failed execution={execution} />
        <Parts execution={execution} />
      </div>
    </Page>
  )
}

const PARTS = new Set(['handler', 'compensation', 'flow', 'body'])

/** Its state, and of what it is a part. */
function Standing({
  execution: { status, held, mode, item_no, parent_execution_id, parent_segment_no, compensation },
}: {
  execution: Execution
}) {
  const part =
    !PARTS.has(mode) || (mode === 'flow' && parent_segment_no === null)
      ? t('execution.again')
      : mode === 'body'
        ? t('execution.item', { number: count((item_no ?? 0) + 1) })
        : t(`execution.part.${mode}`)
  return (
    <span className="row standing">
      <State name={held ? 'held' : status} />
      {compensation && <span className="soft">{t(`execution.undone.${compensation}`)}</span>}
      {held && <span className="soft">{t('execution.held')}</span>}
      {parent_execution_id && (
        <Link href={`/executions/${parent_execution_id}`}>
          <CornerLeftUp size={13} aria-hidden="true" /> {part}
        </Link>
      )}
    </span>
  )
}

/** What went wrong, what to do, and the way to the step. */
function Failed({ execution: { id, flow_id, error } }: { execution: Execution }) {
  const [, search] = useSearchParams()
  const nodes = useRun((state) => state.nodes)
  const names = useNames(id, flow_id)
  if (!error) return null
  const at = error.node_id && nodes[error.node_id] ? error.node_id : ''
  return (
    <div className="notice" data-tone="error" role="alert">
      <p>{error.message}</p>
      {error.hint && <p>{error.hint}</p>}
      {at && (
        <span className="row execution-jump">
          <button
            type="button"
            className="button"
            onClick={() => search({ step: at, tab: 'steps' }, { replace: true })}
          >
            {t('execution.toStep', { name: names(at) })}
          </button>
          <Link href={`/flows/${flow_id}?step=${encodeURIComponent(at)}`} className="button">
            {t('execution.fixStep')}
          </Link>
        </span>
      )}
    </div>
  )
}

/** Names of steps, as they were when it was executed. */
export function useNames(id: string, flowId: string) {
  const definition = useDefinition(id, flowId)
  const types = useNodeTypes()
  return (step: string) => {
    const node = definition.data?.nodes.find((one) => one.id === step)
    return node?.data.label || types.data?.find((one) => one.id === node?.data.nodeType)?.title || step
  }
}
