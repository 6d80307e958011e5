// Below the canvas: rows of the selected step, the timeline, logs and problems of what runs.
import { Tabs } from '@base-ui/react/tabs'
import { ChevronDown, ChevronUp } from 'lucide-react'
import { Link } from 'wouter'
import type { Problem } from '../api/types'
import { Empty } from '../kit/parts'
import { State, StateIcon } from '../kit/icon'
import { took } from '../lib/format'
import { t } from '../lib/text'
import { useFlowPage } from './context'
import { useRun } from './run'
import { select, useDoc } from './store'
import { useUi } from './ui'
import { Logs, StepOutput, Timeline } from './views'

export function Dock() {
  const { dock, dockOpen } = useUi()
  const { problems } = useFlowPage()
  const execution = useRun((state) => state.execution)
  const tab = (value: string) => useUi.setState({ dock: value, dockOpen: true })
  return (
    <section
      className="dock"
      aria-label={t('results.results')}
      data-open={dockOpen || undefined}
      data-execution={execution?.id}
    >
      <Tabs.Root value={dock} onValueChange={(value) => tab(String(value))} className="dock-tabs">
        <div className="dock-head">
          <Tabs.List className="tabs">
            <Tabs.Tab value="output">{t('results.output')}</Tabs.Tab>
            <Tabs.Tab value="timeline">{t('results.timeline')}</Tabs.Tab>
            <Tabs.Tab value="logs">{t('results.logs')}</Tabs.Tab>
            <Tabs.Tab value="problems">
              {t('results.problems')}
              {problems.length > 0 && (
                <span className="count" data-tone={problems.some((one) => one.severity === 'error') ? 'error' : 'warn'}>
                  {problems.length}
                </span>
              )}
            </Tabs.Tab>
          </Tabs.List>
          {execution && (
            <span className="dock-state">
              <Link href={`/executions/${execution.id}`} title={t('results.openExecution')}>
                <State name={execution.held ? 'held' : execution.status} />
              </Link>
              {execution.duration_ms !== null && <span className="soft">{took(execution.duration_ms)}</span>}
            </span>
          )}
          <button
            type="button"
            className="icon-button"
            aria-label={t(dockOpen ? 'results.fold' : 'results.unfold')}
            aria-expanded={dockOpen}
            onClick={() => useUi.setState({ dockOpen: !dockOpen })}
          >
            {dockOpen ? <ChevronDown size={17} /> : <ChevronUp size={17} />}
          </button>
        </div>
        {dockOpen && (
          <>
            <Tabs.Panel value="output" className="dock-panel">
              <Selected />
            </Tabs.Panel>
            <Tabs.Panel value="timeline" className="dock-panel">
              <DocTimeline />
            </Tabs.Panel>
            <Tabs.Panel value="logs" className="dock-panel">
              <DocLogs />
            </Tabs.Panel>
            <Tabs.Panel value="problems" className="dock-panel">
              <Problems problems={problems} />
            </Tabs.Panel>
          </>
        )}
      </Tabs.Root>
    </section>
  )
}

const selectedOf = (nodes: { id: string; selected?: boolean }[]) =>
  nodes
    .filter((node) => node.selected)
    .map((node) => node.id)
    .join(' ')

/** The names of the document's steps. */
function useNames() {
  const names = useDoc((state) => state.nodes.map((node) => `${node.id}\t${node.data.label || node.id}`).join('\n'))
  const known = new Map(names.split('\n').map((line) => line.split('\t') as [string, string]))
  return (id: string) => known.get(id) ?? id
}

function Selected() {
  const { types } = useFlowPage()
  const id = useDoc((state) => selectedOf(state.nodes))
  const type = useDoc((state) => state.nodes.find((node) => node.id === id)?.data.nodeType ?? '')
  const parent = useDoc((state) => state.nodes.find((node) => node.id === id)?.parentId ?? '')
  const edges = useDoc((state) => state.edges)
  const nameOf = useNames()
  if (!id || id.includes(' ')) return <Empty title={t('results.noStep')} text={t('results.noStep.why')} />
  const titleOf = (from: string, port: string) => {
    const kind = types.get(useDoc.getState().nodes.find((node) => node.id === from)?.data.nodeType ?? '')
    return kind && kind.outputs.length > 1
      ? `${nameOf(from)}: ${kind.outputs.find((one) => one.name === port)?.title ?? port}`
      : nameOf(from)
  }
  const step = {
    id,
    name: nameOf(id),
    inputs: types.get(type)?.inputs ?? [],
    outputs: types.get(type)?.outputs ?? [],
    parent,
    edges,
    nameOf,
    titleOf,
    choose: (one: string) => select([one]),
  }
  return <StepOutput step={step} key={id} cards />
}

function DocTimeline() {
  const selected = useDoc((state) => selectedOf(state.nodes))
  return <Timeline names={useNames()} chosen={selected} choose={(id) => select([id])} />
}

function DocLogs() {
  return <Logs names={useNames()} />
}

function Problems({ problems }: { problems: Problem[] }) {
  if (!problems.length) return <Empty title={t('results.noProblems')} text={t('results.noProblems.why')} />
  return (
    <ul className="problems" tabIndex={0} aria-label={t('results.problems')}>
      {problems.map((one, index) => (
        <li key={index}>
          <button
            type="button"
            onClick={() => {
              if (one.node_id) {
                select([one.node_id])
                useUi.setState({ settings: true })
              }
            }}
          >
            <StateIcon name={one.severity === 'error' ? 'failed' : 'warning'} />
            <span>{one.message}</span>
            <span className="soft">{one.fix}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
