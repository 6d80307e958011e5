// One execution: its state, each step with rows and time, the rows themselves, the log.
import { Tabs } from '@base-ui/react/tabs'
import { Pencil, Square } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { get } from '../api/client'
import { useFlow, useNodeTypes } from '../api/queries'
import type { Canvas } from '../api/types'
import { Logs, StepOutput, Timeline } from '../flow/dock'
import { cancel, leave, useRun, watch } from '../flow/run'
import { State, StateIcon } from '../kit/icon'
import { Page, Trouble, Waiting } from '../kit/parts'
import { fail } from '../kit/toasts'
import { count, moment, took } from '../lib/format'
import { useTitle } from './flows'

export default function ExecutionPage({ id }: { id: string }) {
  const [error, setError] = useState<Error | null>(null)
  const execution = useRun((state) => state.execution)
  const live = useRun((state) => state.live)
  const flow = useFlow(execution?.flow_id)
  useTitle(flow.data ? `Execution of ${flow.data.name}` : 'Execution')
  useEffect(() => { watch(id).catch(setError); return leave }, [id])
  if (error) return <Page title="Execution"><Trouble error={error} again={() => { setError(null); watch(id).catch(setError) }} /></Page>
  if (!execution) return <Page title="Execution"><Waiting what="the execution" /></Page>
  const actions = (
    <>
      {live && <button type="button" className="button" onClick={() => void cancel(id).catch(fail)}><Square size={14} aria-hidden="true" />Stop</button>}
      <Link href={`/flows/${execution.flow_id}`} className="button"><Pencil size={14} aria-hidden="true" />Open the flow</Link>
    </>
  )
  const facts: [string, string][] = [
    ['Started', execution.started_at ? moment(execution.started_at) : 'not yet'], ['Took', execution.duration_ms === null ? '…' : took(execution.duration_ms)],
    ['Rows', count(execution.rows_processed)], ['Rejected', count(execution.rows_failed)], ['By', execution.trigger_type],
  ]
  return (
    <Page title={flow.data?.name ?? 'Execution'} text={<State name={execution.status} />} actions={actions}>
      <dl className="facts card">{facts.map(([word, value]) => <div key={word}><dt>{word}</dt><dd>{value}</dd></div>)}</dl>
      {execution.error && <div className="notice" data-tone="error" role="alert"><p>{execution.error.message}</p>{execution.error.hint && <p>{execution.error.hint}</p>}</div>}
      <Parts flowId={execution.flow_id} />
    </Page>
  )
}

function Parts({ flowId }: { flowId: string }) {
  const nodes = useRun((state) => state.nodes)
  const { data: canvas, isError: missing } = useQuery({ queryKey: ['names', flowId], queryFn: () => get<Canvas>(`/flows/${flowId}/data`), retry: false })
  const types = useNodeTypes()
  const names = useMemo(() => new Map(canvas?.nodes.map((node) => [node.id, node.data.label || node.id])), [canvas])
  const [chosen, setChosen] = useState('')
  const listed = Object.values(nodes).sort((a, b) => (a.started_at ?? '~').localeCompare(b.started_at ?? '~'))
  const shown = chosen || (listed.find((node) => node.error) ?? listed.filter((node) => node.has_output).at(-1) ?? listed[0])?.node_id || ''
  const type = types.data?.find((one) => one.id === canvas?.nodes.find((node) => node.id === shown)?.data.nodeType)
  return (
    <Tabs.Root defaultValue="steps" className="execution-tabs">
      <Tabs.List className="tabs"><Tabs.Tab value="steps">Steps</Tabs.Tab><Tabs.Tab value="timeline">Timeline</Tabs.Tab><Tabs.Tab value="logs">Logs</Tabs.Tab></Tabs.List>
      <Tabs.Panel value="steps" className="steps-panel">
        <ul className="card step-list" aria-label="Steps" tabIndex={0}>
          {listed.map((node) => (
            <li key={node.node_id}>
              <button type="button" aria-pressed={node.node_id === shown} onClick={() => setChosen(node.node_id)}>
                <StateIcon name={node.status} /><span className="step-list-name">{names.get(node.node_id) ?? node.node_id}</span>
                <span className="soft">{node.rows_out === null || node.rows_out === undefined ? '' : `${count(node.rows_out)} rows`}</span>
                <span className="soft step-list-took">{node.duration_ms ? took(node.duration_ms) : ''}</span>
              </button>
            </li>
          ))}
        </ul>
        <div className="card step-rows">{shown && types.data && (canvas || missing) && <StepOutput key={shown} id={shown} label={names.get(shown) ?? shown} ports={type?.outputs ?? []} />}</div>
      </Tabs.Panel>
      <Tabs.Panel value="timeline" className="card"><Timeline names={names} /></Tabs.Panel>
      <Tabs.Panel value="logs" className="card"><Logs /></Tabs.Panel>
    </Tabs.Root>
  )
}
