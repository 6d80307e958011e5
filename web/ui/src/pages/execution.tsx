// One execution: its state, what it waits for, each step with rows and time, the canvas that was executed, the log.
import { Tabs } from '@base-ui/react/tabs'
import { ReactFlowProvider } from '@xyflow/react'
import { CornerLeftUp, Pencil, RotateCcw, Square } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { post } from '../api/client'
import { useDefinition, useFlow, useNodeTypes } from '../api/queries'
import type { Canvas, CanvasNode, Execution, NodeType } from '../api/types'
import { useMay } from '../app/me'
import { CanvasView } from '../flow/canvas'
import { ChildrenTable, isAfter } from '../flow/children'
import { FlowPageContext } from '../flow/context'
import { Logs, StepOutput, Timeline } from '../flow/dock'
import { moreOf } from '../flow/more'
import type { Live } from '../flow/run'
import { ENDED, cancel, leave, refresh, tally, useRun, watch } from '../flow/run'
import { show, useDoc } from '../flow/store'
import { TimerCard, WaitCard } from '../flow/waiting'
import { State, StateIcon } from '../kit/icon'
import { Page, Trouble, Waiting } from '../kit/parts'
import { fail, say } from '../kit/toasts'
import { count, moment, took } from '../lib/format'
import { t } from '../lib/text'
import { useTitle } from '../app/title'

export default function ExecutionPage({ id }: { id: string }) {
  const [error, setError] = useState<Error | null>(null)
  const execution = useRun((state) => state.execution)
  const live = useRun((state) => state.live)
  const flow = useFlow(execution?.flow_id)
  const mayStop = useMay('execution:cancel')
  const mayRetry = useMay('execution:retry')
  const [, go] = useLocation()
  useTitle(flow.data ? `Execution of ${flow.data.name}` : 'Execution')
  useEffect(() => { setError(null); watch(id).catch(setError); return leave }, [id])
  if (error) return <Page title="Execution"><Trouble error={error} again={() => { setError(null); watch(id).catch(setError) }} /></Page>
  if (!execution || execution.id !== id) return <Page title="Execution"><Waiting what="the execution" /></Page>
  const stopping = execution.status === 'cancelling'
  const retry = (from: 'failed' | 'start') => void post<{ id: string }>(`/executions/${id}/retry`, { from }).then((made) => { say('Started again.', 'ok'); go(`/executions/${made.id}`) }).catch(fail)
  const actions = (
    <>
      {live && mayStop && <button type="button" className="button" disabled={stopping} onClick={() => void cancel(id).then(refresh).catch(fail)}><Square size={14} aria-hidden="true" />{stopping ? 'Stopping…' : 'Stop'}</button>}
      {mayRetry && ENDED.has(execution.status) && !execution.parent_segment_no && (
        <button type="button" className="button" title={execution.status === 'completed' ? 'Execute the whole again with the same input' : 'Execute what failed and what follows; what succeeded is kept'} onClick={() => retry(execution.status === 'completed' ? 'start' : 'failed')}><RotateCcw size={14} aria-hidden="true" />{execution.status === 'completed' ? 'Run again' : 'Retry from the failure'}</button>
      )}
      <Link href={`/flows/${execution.flow_id}`} className="button"><Pencil size={14} aria-hidden="true" />Open the flow</Link>
    </>
  )
  const facts: [string, string][] = [
    ['Started', execution.started_at ? moment(execution.started_at) : 'not yet'], ['Took', execution.duration_ms === null ? '…' : took(execution.duration_ms)],
    ['Rows', count(execution.rows_processed)], ['Rejected', count(execution.rows_failed)], ['By', t(`work.trigger.${execution.trigger_type}`)],
  ]
  return (
    <Page title={flow.data?.name ?? 'Execution'} text={<Standing execution={execution} />} actions={actions}>
      <dl className="facts card">{facts.map(([word, value]) => <div key={word}><dt>{word}</dt><dd>{value}</dd></div>)}</dl>
      {execution.error && <div className="notice" data-tone="error" role="alert"><p>{execution.error.message}</p>{execution.error.hint && <p>{execution.error.hint}</p>}</div>}
      <Parts execution={execution} />
    </Page>
  )
}

const UNDONE = { running: 'What it did is being undone.', compensated: 'What it did is undone.', incomplete: 'Not all that it did could be undone.' }

/** Its state, and of what it is a part. */
function Standing({ execution: { status, held, mode, item_no, parent_execution_id, compensation } }: { execution: Execution }) {
  const part = mode === 'handler' ? 'What comes after' : mode === 'compensation' ? 'Undoes a step of' : mode === 'flow' ? 'Called by' : `Item ${count((item_no ?? 0) + 1)} of`
  return (
    <span className="row standing"><State name={held ? 'held' : status} />
      {compensation && <span className="soft">{UNDONE[compensation]}</span>}
      {held && <span className="soft">It begins when others of its kind have ended.</span>}
      {parent_execution_id && <Link href={`/executions/${parent_execution_id}`}><CornerLeftUp size={13} aria-hidden="true" /> {part} another execution</Link>}
    </span>
  )
}

function Parts({ execution }: { execution: Execution }) {
  const nodes = useRun((state) => state.nodes)
  const waits = useRun((state) => state.waits)
  const children = useRun((state) => state.children)
  const live = useRun((state) => state.live)
  const definition = useDefinition(execution.id, execution.flow_id)
  const types = useNodeTypes()
  const canvas = useMemo(() => definition.data && executed(definition.data, new Set(Object.keys(nodes))), [definition.data, Object.keys(nodes).join(' ')])
  const names = useMemo(() => new Map(definition.data?.nodes.map((node) => [node.id, node.data.label || node.id])), [definition.data])
  const [chosen, setChosen] = useState('')
  const listed = Object.values(nodes).sort((a, b) => begin(a) - begin(b))
  const shown = chosen || (listed.find((node) => node.error) ?? listed.filter((node) => node.has_output).at(-1) ?? listed[0])?.node_id || ''
  const open = waits.filter((wait) => wait.status === 'open')
  const timers = listed.filter((node) => node.status === 'parked' && node.waits_for === 'timer' && node.resumes_at)
  const handlers = children.filter((one) => isAfter(one.mode))
  const name = (id: string) => names.get(id) ?? id
  const ready = types.data && (canvas || definition.isError)
  if (definition.isPending) return <Waiting what="the steps" />
  return (
    <>
      {open.length + timers.length > 0 && (
        <div className="waits">
          {open.map((wait) => <WaitCard key={wait.id} wait={wait} name={name(wait.node_id)} />)}
          {timers.map((node) => <TimerCard key={node.node_id} name={name(node.node_id)} at={node.resumes_at ?? ''} />)}
        </div>
      )}
      <Tabs.Root defaultValue="steps" className="execution-tabs">
        <Tabs.List className="tabs"><Tabs.Tab value="steps">Steps</Tabs.Tab><Tabs.Tab value="canvas">Canvas</Tabs.Tab><Tabs.Tab value="timeline">Timeline</Tabs.Tab><Tabs.Tab value="logs">Logs</Tabs.Tab></Tabs.List>
        <Tabs.Panel value="steps" className="steps-panel">
          <ul className="card step-list" aria-label="Steps" tabIndex={0}>{listed.map((node) => <Row key={node.node_id} node={node} name={name(node.node_id)} pressed={node.node_id === shown} choose={() => setChosen(node.node_id)} />)}</ul>
          <div className="card step-rows">{shown && ready && <Rows id={shown} name={name(shown)} canvas={canvas} types={types.data ?? []} />}</div>
        </Tabs.Panel>
        <Tabs.Panel value="canvas" className="card execution-canvas">{canvas && types.data ? <Drawn id={execution.id} canvas={canvas} types={types.data} name={name} /> : <Waiting what="the canvas" />}</Tabs.Panel>
        <Tabs.Panel value="timeline" className="card"><Timeline names={names} /></Tabs.Panel>
        <Tabs.Panel value="logs" className="card"><Logs /></Tabs.Panel>
      </Tabs.Root>
      {handlers.length > 0 && (
        <section className="card handlers"><h2>After the flow</h2><ChildrenTable executionId={execution.id} segment={null} counts={handlers} title="After the flow" live={live} handlers names={names} /></section>
      )}
    </>
  )
}

const begin = (node: Live) => (node.started_at ? Date.parse(node.started_at) : Number.MAX_SAFE_INTEGER)

function Row({ node, name, pressed, choose }: { node: Live; name: string; pressed: boolean; choose: () => void }) {
  const children = useRun((state) => state.children)
  const items = tally(children, node.segment_no)
  const words = items.total ? `${count(items.done + items.bad)} of ${count(items.total)} items` : node.rows_out === null || node.rows_out === undefined ? '' : `${count(node.rows_out)} rows`
  const also = ['parked', 'skipped', 'waiting'].includes(node.status) && !items.total ? moreOf(node, '') : ''
  return (
    <li>
      <button type="button" aria-pressed={pressed} onClick={choose}>
        <StateIcon name={node.status} /><span className="step-list-text"><span className="step-list-name">{name}</span>{also && <span className="soft">{also}</span>}</span><span className="soft">{words}</span><span className="soft step-list-took">{node.duration_ms ? took(node.duration_ms) : ''}</span>
      </button>
    </li>
  )
}

function Rows({ id, name, canvas, types }: { id: string; name: string; canvas: Canvas | undefined; types: NodeType[] }) {
  const node = canvas?.nodes.find((one) => one.id === id)
  return <StepOutput key={id} id={id} label={name} ports={types.find((one) => one.id === node?.data.nodeType)?.outputs ?? []} parent={node?.parentId ?? ''} />
}

/** What of the definition this execution is: all of it, or the inside of a loop. */
function executed(definition: Canvas, ids: Set<string>): Canvas {
  const kept = new Set(ids)
  let before = -1
  while (kept.size !== before) {
    before = kept.size
    definition.nodes.forEach((node) => { if (node.parentId && kept.has(node.parentId)) kept.add(node.id) })
  }
  const nodes = definition.nodes.filter((node) => kept.has(node.id)).map((node): CanvasNode => (node.parentId && !kept.has(node.parentId) ? { ...node, parentId: undefined } : node))
  return { ...definition, nodes, edges: definition.edges.filter((edge) => kept.has(edge.source) && kept.has(edge.target)) }
}

/** The canvas with the states of this execution; nothing can be changed. */
function Drawn({ id, canvas, types: listed, name }: { id: string; canvas: Canvas; types: NodeType[]; name: (id: string) => string }) {
  const types = useMemo(() => new Map(listed.map((type) => [type.id, type])), [listed])
  const page = useMemo(() => ({ flowId: `execution ${id}`, types, problems: [], readOnly: true, save: async () => false, run: () => undefined }), [id, types])
  const [ready, setReady] = useState(false)
  useEffect(() => { show(`execution ${id}`, canvas, types); setReady(true) }, [id, canvas, types])
  const selected = useDoc((state) => state.nodes.filter((node) => node.selected).map((node) => node.id).join(' '))
  const one = selected && !selected.includes(' ') ? selected : ''
  if (!ready) return null
  return (
    <FlowPageContext value={page}>
      <ReactFlowProvider>
        <div className={one ? 'canvas-and-rows' : 'canvas-alone'}>
          <CanvasView />
          {one && <div className="step-rows"><Rows id={one} name={name(one)} canvas={canvas} types={listed} /></div>}
        </div>
      </ReactFlowProvider>
    </FlowPageContext>
  )
}
