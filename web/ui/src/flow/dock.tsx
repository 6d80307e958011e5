// Below the canvas: rows of the selected step, the timeline, logs and problems of what runs.
import { Tabs } from '@base-ui/react/tabs'
import { ChevronDown, ChevronUp } from 'lucide-react'
import { Link } from 'wouter'
import { useLogs } from '../api/queries'
import type { NodeExecution, Problem } from '../api/types'
import { Empty } from '../kit/parts'
import { State, StateIcon } from '../kit/icon'
import { count, time, took } from '../lib/format'
import { ChildrenTable } from './children'
import { useFlowPage } from './context'
import { tally, useRun } from './run'
import type { Live } from './run'
import { select, useDoc } from './store'
import { RowsTable } from './table'
import { useUi } from './ui'
import { TimerCard, WaitCard } from './waiting'
import { useState } from 'react'

export function Dock() {
  const { dock, dockOpen } = useUi()
  const { problems } = useFlowPage()
  const execution = useRun((state) => state.execution)
  const tab = (value: string) => useUi.setState({ dock: value, dockOpen: true })
  return (
    <section className="dock" aria-label="Results" data-open={dockOpen || undefined} data-execution={execution?.id}>
      <Tabs.Root value={dock} onValueChange={(value) => tab(String(value))} className="dock-tabs">
        <div className="dock-head">
          <Tabs.List className="tabs">
            <Tabs.Tab value="output">Output</Tabs.Tab><Tabs.Tab value="timeline">Timeline</Tabs.Tab><Tabs.Tab value="logs">Logs</Tabs.Tab>
            <Tabs.Tab value="problems">Problems{problems.length > 0 && <span className="count" data-tone={problems.some((one) => one.severity === 'error') ? 'error' : 'warn'}>{problems.length}</span>}</Tabs.Tab>
          </Tabs.List>
          {execution && <span className="dock-state"><Link href={`/executions/${execution.id}`} title="Open the execution"><State name={execution.held ? 'held' : execution.status} /></Link>{execution.duration_ms !== null && <span className="soft">{took(execution.duration_ms)}</span>}</span>}
          <button type="button" className="icon-button" aria-label={dockOpen ? 'Fold the results' : 'Unfold the results'} aria-expanded={dockOpen} onClick={() => useUi.setState({ dockOpen: !dockOpen })}>{dockOpen ? <ChevronDown size={17} /> : <ChevronUp size={17} />}</button>
        </div>
        {dockOpen && (
          <>
            <Tabs.Panel value="output" className="dock-panel"><Output /></Tabs.Panel>
            <Tabs.Panel value="timeline" className="dock-panel"><Timeline /></Tabs.Panel>
            <Tabs.Panel value="logs" className="dock-panel"><Logs /></Tabs.Panel>
            <Tabs.Panel value="problems" className="dock-panel"><Problems problems={problems} /></Tabs.Panel>
          </>
        )}
      </Tabs.Root>
    </section>
  )
}

function Output() {
  const selected = useDoc((state) => state.nodes.filter((node) => node.selected).map((node) => node.id).join(' '))
  const label = useDoc((state) => state.nodes.find((node) => node.id === selected)?.data.label ?? selected)
  const type = useDoc((state) => state.nodes.find((node) => node.id === selected)?.data.nodeType ?? '')
  const parent = useDoc((state) => state.nodes.find((node) => node.id === selected)?.parentId ?? '')
  if (!selected || selected.includes(' ')) return <Empty title="No step is selected" text="Select one step to see its rows." />
  return <StepOutput id={selected} label={label} ports={useFlowPage().types.get(type)?.outputs ?? []} key={selected} parent={parent} cards />
}

const ITEMS = '#items'

/** Rows of one step in the execution that is shown. */
export function StepOutput({ id, label, ports: offered, parent = '', cards = false }: { id: string; label: string; ports: { name: string; title: string }[]; parent?: string; cards?: boolean }) {
  const execution = useRun((state) => state.execution)
  const node = useRun((state) => state.nodes[id])
  const [chosen, setPort] = useState('')
  const children = useRun((state) => state.children)
  const waits = useRun((state) => state.waits)
  const live = useRun((state) => state.live)
  const holder = useRun((state) => (parent ? state.nodes[parent] : undefined))
  const doc = useDoc((state) => state.nodes)
  const items = tally(children, node?.segment_no)
  const ports = [...offered.filter((one) => one.name !== 'item'), ...(items.total ? [{ name: ITEMS, title: `Executions (${count(items.total)})` }] : [])]
  const first = items.total && (node?.status !== 'completed' || !node.has_output) ? ITEMS : ports.find((one) => node?.ports?.[one.name] !== undefined)?.name
  const port = ports.some((one) => one.name === chosen) ? chosen : (first ?? ports[0]?.name ?? 'out')
  const switcher = ports.length > 1 && (
    <div className="segmented output-ports" role="radiogroup" aria-label="Output">
      {ports.map((one) => <label key={one.name}><input type="radio" name={`port-${id}`} checked={one.name === port} onChange={() => setPort(one.name)} /><span>{one.title}</span></label>)}
    </div>
  )
  if (!execution) return <Empty title="No rows yet" text="Run the flow; the rows of every step show here." />
  if (items.total > 0 && port === ITEMS && node) {
    return (
      <>
        {switcher}
        {node.error && <div className="notice dock-notice" data-tone="error" role="alert"><p>{node.error.message}</p></div>}
        <ChildrenTable executionId={execution.id} segment={node.segment_no ?? null} counts={children.filter((one) => one.segment_no === node.segment_no)} title={label} live={live} />
      </>
    )
  }
  const open = waits.find((one) => one.node_id === id && one.status === 'open')
  if (node?.status === 'parked' && !cards) return <Empty title="It waits" text={node.waits_for === 'children' ? 'Its executions are about to start.' : 'What it waits for is shown above; its rows show here afterwards.'} />
  if (node?.status === 'parked' && open) return <div className="dock-wait"><WaitCard wait={open} name={label} /></div>
  if (node?.status === 'parked' && node.resumes_at) return <div className="dock-wait"><TimerCard name={label} at={node.resumes_at} /></div>
  if (node?.status === 'skipped') return <Empty title="Not taken" text="The rows took another way, so this step did nothing." />
  if (!node && holder) {
    const name = doc.find((one) => one.id === parent)?.data.label || parent
    return <Empty title="Executed once for each item" text={`Each item of “${name}” is an execution of its own, with its own rows.`}><button type="button" className="button" onClick={() => select([parent])}>Show the items</button></Empty>
  }
  if (node?.error) return <div className="notice pad" data-tone="error" role="alert"><p>{node.error.message}</p>{node.error.hint && <p>{node.error.hint}</p>}</div>
  if (!node?.has_output) {
    const running = node && ['running', 'queued', 'pending'].includes(node.status)
    return <Empty title={running ? 'Not ready yet' : 'No rows were kept'} text={running ? 'The rows show as soon as this step has ended.' : 'This step did not run, or its rows are not kept any more. Run the flow again to see them.'} />
  }
  return (
    <>
      {switcher}
      {node.ports && Object.keys(node.ports).length > 0 && !(port in node.ports)
        ? <Empty title="No rows here" text={`Nothing left by “${ports.find((one) => one.name === port)?.title ?? port}” in this execution.`} />
        : <RowsTable address={`/executions/${execution.id}/nodes/${encodeURIComponent(id)}/preview`} port={port} label={label} key={`${execution.id}.${port}`} />}
    </>
  )
}

/** When each step ran; one bar each over the time of the whole. */
export function Timeline({ names }: { names?: Map<string, string> }) {
  const execution = useRun((state) => state.execution)
  const nodes = useRun((state) => state.nodes)
  const doc = useDoc((state) => state.nodes)
  const ran = Object.values(nodes).filter((node): node is Live & { started_at: string } => Boolean(node.started_at)).sort((a, b) => a.started_at.localeCompare(b.started_at))
  if (!execution || !ran.length) return <Empty title="Nothing ran yet" text="Run the flow to see when each step worked." />
  const begin = Math.min(...ran.map((node) => Date.parse(node.started_at)))
  const end = Math.max(begin + 1, ...ran.map((node) => endOf(node)))
  const name = (id: string) => names?.get(id) ?? (doc.find((node) => node.id === id)?.data.label || id)
  return (
    <ol className="timeline" tabIndex={0} aria-label="Timeline">
      {ran.map((node) => {
        const from = Date.parse(node.started_at)
        return (
          <li key={node.node_id}>
            <span className="timeline-name">{name(node.node_id)}</span>
            <span className="timeline-track" aria-hidden="true"><span className="timeline-bar" data-status={node.status} style={{ left: `${((from - begin) / (end - begin)) * 100}%`, width: `${Math.max(0.4, ((endOf(node) - from) / (end - begin)) * 100)}%` }} /></span>
            <span className="timeline-took">{node.duration_ms !== null && node.duration_ms !== undefined ? took(node.duration_ms) : '…'}</span>
          </li>
        )
      })}
    </ol>
  )
}
const endOf = (node: Partial<NodeExecution>) => (node.completed_at ? Date.parse(node.completed_at) : Date.now())

export function Logs() {
  const execution = useRun((state) => state.execution)
  return execution ? <LogLines id={execution.id} stamp={`${execution.status}.${execution.last_seq}`} /> : <Empty title="No log yet" text="Run the flow to see what it says." />
}

function LogLines({ id, stamp }: { id: string; stamp: string }) {
  const { data = [] } = useLogs(id, stamp)
  const [level, setLevel] = useState('')
  const shown = level ? data.filter((line) => line.level === level) : data
  if (!data.length) return <Empty title="Nothing was logged" text="Steps write here what they want to say." />
  return (
    <div className="logs" tabIndex={0} role="region" aria-label="Log">
      <label className="logs-level">Level <select className="fit" value={level} onChange={({ target }) => setLevel(target.value)}>{['', 'debug', 'info', 'warning', 'error'].map((one) => <option key={one} value={one}>{one || 'all'}</option>)}</select></label>
      <ol>{shown.map((line) => <li key={line.id} data-level={line.level}><time dateTime={line.created_at}>{time(line.created_at)}</time><span>{line.level}</span><code>{line.node_id}</code><span>{line.message}</span></li>)}</ol>
    </div>
  )
}

function Problems({ problems }: { problems: Problem[] }) {
  if (!problems.length) return <Empty title="No problems" text="The flow can run." />
  return (
    <ul className="problems" tabIndex={0} aria-label="Problems">
      {problems.map((one, index) => (
        <li key={index}>
          <button type="button" onClick={() => { if (one.node_id) { select([one.node_id]); useUi.setState({ settings: true }) } }}>
            <StateIcon name={one.severity === 'error' ? 'failed' : 'warning'} /><span>{one.message}</span><span className="soft">{one.fix}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}

export const summary = (rows: number, failed: number) => `${count(rows)} rows${failed ? `, ${count(failed)} rejected` : ''}`
