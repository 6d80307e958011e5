// The parts of an execution: what waits, its steps with their rows, the canvas, the timeline, the log, another one beside it.
import { Tabs } from '@base-ui/react/tabs'
import { useMemo } from 'react'
import { useSearchParams } from 'wouter'
import { useDefinition, useNodeTypes } from '../../api/queries'
import type { Canvas, CanvasNode, Execution, NodeType } from '../../api/types'
import { ChildrenTable, isAfter } from '../../flow/children'
import { moreOf } from '../../flow/more'
import type { StepFacts } from '../../flow/output'
import type { Live } from '../../flow/run'
import { tally, useRun } from '../../flow/run'
import { Logs, StepOutput, Timeline, later } from '../../flow/views'
import { TimerCard, WaitCard } from '../../flow/waiting'
import { StateIcon } from '../../kit/icon'
import { Waiting } from '../../kit/parts'
import { took } from '../../lib/format'
import { t } from '../../lib/text'
import { useNames } from '../execution'
import { Compare } from './compare'
import { Undone } from './undone'

const Drawn = later(() => import('./drawn').then((all) => all.Drawn))
const TABS = ['steps', 'canvas', 'timeline', 'logs', 'compare']

export function Parts({ execution }: { execution: Execution }) {
  const nodes = useRun((state) => state.nodes)
  const waits = useRun((state) => state.waits)
  const children = useRun((state) => state.children)
  const live = useRun((state) => state.live)
  const definition = useDefinition(execution.id, execution.flow_id)
  const types = useNodeTypes()
  const [search, setSearch] = useSearchParams()
  const ids = Object.keys(nodes).join(' ')
  const canvas = useMemo(
    () => definition.data && executed(definition.data, new Set(Object.keys(nodes))),
    [definition.data, ids],
  )
  const name = useNames(execution.id, execution.flow_id)
  const set = (values: Record<string, string>) =>
    setSearch(
      (now) => {
        Object.entries(values).forEach(([key, value]) => (value ? now.set(key, value) : now.delete(key)))
        return now
      },
      { replace: true },
    )
  const choose = (step: string) => set({ step })
  const listed = Object.values(nodes).sort((a, b) => begin(a) - begin(b))
  const asked = search.get('step') ?? ''
  const shown =
    (nodes[asked] ? asked : '')
    || (listed.find((node) => node.error) ?? listed.filter((node) => node.has_output).at(-1) ?? listed[0])?.node_id
    || ''
  const tab = TABS.find((one) => one === search.get('tab')) ?? 'steps'
  const open = waits.filter((wait) => wait.status === 'open')
  const timers = listed.filter((node) => node.status === 'parked' && node.waits_for === 'timer' && node.resumes_at)
  const handlers = children.filter((one) => isAfter(one.mode))
  if (definition.isPending) return <Waiting what={t('execution.stepsWord')} />
  const rows = (step: string) =>
    types.data
    && (canvas || definition.isError) && <StepOutput key={step} step={facts(step, canvas, types.data, name, choose)} />
  return (
    <>
      {open.length + timers.length > 0 && (
        <div className="waits">
          {open.map((wait) => (
            <WaitCard key={wait.id} wait={wait} name={name(wait.node_id)} />
          ))}
          {timers.map((node) => (
            <TimerCard key={node.node_id} name={name(node.node_id)} at={node.resumes_at ?? ''} />
          ))}
        </div>
      )}
      <Tabs.Root value={tab} onValueChange={(value) => set({ tab: String(value) })} className="execution-tabs">
        <Tabs.List className="tabs">
          {TABS.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t(`execution.tab.${one}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="steps" className="steps-panel">
          <ul className="card step-list" aria-label={t('execution.steps')} tabIndex={0}>
            {listed.map((node) => (
              <Row
                key={node.node_id}
                node={node}
                name={name(node.node_id)}
                pressed={node.node_id === shown}
                choose={() => choose(node.node_id)}
              />
            ))}
          </ul>
          <div className="card step-rows">{shown && rows(shown)}</div>
        </Tabs.Panel>
        <Tabs.Panel value="canvas" className="card execution-canvas">
          {canvas && types.data ? (
            <Drawn id={execution.id} canvas={canvas} types={types.data} chosen={asked} choose={choose} rows={rows} />
          ) : (
            <Waiting what={t('execution.canvasWord')} />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="timeline" className="card execution-panel">
          <Timeline names={name} chosen={asked} choose={choose} />
        </Tabs.Panel>
        <Tabs.Panel value="logs" className="card execution-panel">
          <Logs names={name} node={asked} onNode={choose} />
        </Tabs.Panel>
        <Tabs.Panel value="compare" className="card">
          <Compare
            execution={execution}
            other={search.get('with') ?? ''}
            choose={(other) => set({ with: other })}
            names={name}
            toStep={(step) => set({ step, tab: 'steps' })}
          />
        </Tabs.Panel>
      </Tabs.Root>
      <Undone execution={execution} names={name} />
      {handlers.length > 0 && (
        <section className="card handlers">
          <h2>{t('execution.after')}</h2>
          <ChildrenTable
            executionId={execution.id}
            segment={null}
            counts={handlers}
            title={t('execution.after')}
            live={live}
            handlers
            names={new Map(listed.map((node) => [node.node_id, name(node.node_id)]))}
          />
        </section>
      )}
    </>
  )
}

const begin = (node: Live) => Date.parse(node.started_at ?? node.completed_at ?? '9999-01-01')

function Row({ node, name, pressed, choose }: { node: Live; name: string; pressed: boolean; choose: () => void }) {
  const children = useRun((state) => state.children)
  const items = tally(children, node.segment_no)
  const words = items.total
    ? t('execution.items', { done: items.done + items.bad, total: items.total })
    : node.rows_out === null || node.rows_out === undefined
      ? ''
      : t('results.rows', { n: node.rows_out })
  const also =
    ['parked', 'skipped', 'waiting'].includes(node.status) && !items.total
      ? moreOf(node, '')
      : node.cache_hit
        ? t('results.reused')
        : ''
  return (
    <li>
      <button type="button" aria-pressed={pressed} onClick={choose}>
        <StateIcon name={node.status} />
        <span className="step-list-text">
          <span className="step-list-name">{name}</span>
          {also && <span className="soft">{also}</span>}
        </span>
        <span className="soft">{words}</span>
        <span
          className="soft step-list-took"
          title={
            node.memory_peak_bytes
              ? t('execution.memory', { n: Math.round(node.memory_peak_bytes / 2 ** 20) })
              : undefined
          }
        >
          {node.duration_ms ? took(node.duration_ms) : ''}
        </span>
      </button>
    </li>
  )
}

/** What the rows of a step need to know of the canvas that was executed. */
function facts(
  id: string,
  canvas: Canvas | undefined,
  types: NodeType[],
  nameOf: (id: string) => string,
  choose: (id: string) => void,
): StepFacts {
  const typeOf = (step: string) =>
    types.find((type) => type.id === canvas?.nodes.find((node) => node.id === step)?.data.nodeType)
  const titleOf = (step: string, port: string) => {
    const outputs = typeOf(step)?.outputs ?? []
    return outputs.length > 1
      ? `${nameOf(step)}: ${outputs.find((one) => one.name === port)?.title ?? port}`
      : nameOf(step)
  }
  const parent = canvas?.nodes.find((node) => node.id === id)?.parentId ?? ''
  return {
    id,
    name: nameOf(id),
    inputs: typeOf(id)?.inputs ?? [],
    outputs: typeOf(id)?.outputs ?? [],
    parent,
    edges: canvas?.edges ?? [],
    nameOf,
    titleOf,
    choose,
  }
}

/** What of the definition this execution is: all of it, or the inside of a loop. */
function executed(definition: Canvas, ids: Set<string>): Canvas {
  const kept = new Set(ids)
  let before = -1
  while (kept.size !== before) {
    before = kept.size
    definition.nodes.forEach((node) => {
      if (node.parentId && kept.has(node.parentId)) kept.add(node.id)
    })
  }
  const nodes = definition.nodes
    .filter((node) => kept.has(node.id))
    .map((node): CanvasNode => (node.parentId && !kept.has(node.parentId) ? { ...node, parentId: undefined } : node))
  return {
    ...definition,
    nodes,
    edges: definition.edges.filter((edge) => kept.has(edge.source) && kept.has(edge.target)),
  }
}
