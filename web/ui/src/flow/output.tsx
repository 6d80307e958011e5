// What went into a step and what came out of it: side by side where there is room, else one of both.
import { Columns2, Table2 } from 'lucide-react'
import { createContext, useContext, useLayoutEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { createPortal } from 'react-dom'
import { create } from 'zustand'
import type { CanvasEdge, Failure, Port } from '../api/types'
import { Empty } from '../kit/parts'
import { t } from '../lib/text'
import { ChildrenTable } from './children'
import { ColumnsProfile } from './profile'
import { tally, useRun } from './run'
import { RowsTable } from './table'
import { TimerCard, WaitCard } from './waiting'
import '../styles/results.css'

const ITEMS = '#items'
const BOTH_PX = 680
const ROOMY_PX = 1_150
type Side = 'input' | 'output' | 'both'
export type StepFacts = {
  id: string
  name: string
  inputs: Port[]
  outputs: Port[]
  parent?: string
  edges: CanvasEdge[]
  nameOf: (id: string) => string
  titleOf: (id: string, port: string) => string
  choose: (id: string) => void
}

/** What somebody chose to see of each step, as long as the page is open. */
const useSide = create<{ side: Side | ''; face: 'rows' | 'columns' }>(() => ({ side: '', face: 'rows' }))

/** Where a single side puts what belongs to it: in the head, to leave the height to the rows. */
const Slot = createContext<HTMLElement | null>(null)

function Bar({ children }: { children: ReactNode }) {
  const slot = useContext(Slot)
  return slot ? createPortal(children, slot) : <div className="step-side-bar">{children}</div>
}

/** Rows into and out of one step in the execution that is shown. */
export function StepOutput({ step, cards = false }: { step: StepFacts; cards?: boolean }) {
  const execution = useRun((state) => state.execution)
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const [slot, setSlot] = useState<HTMLElement | null>(null)
  useLayoutEffect(() => {
    if (!box.current) return
    const watch = new ResizeObserver(([entry]) => {
      if (entry) setWidth(entry.contentRect.width)
    })
    watch.observe(box.current)
    return () => watch.disconnect()
  }, [Boolean(execution)])
  const { side: asked, face } = useSide()
  if (!execution) return <Empty title={t('results.noneYet')} text={t('results.noneYet.why')} />
  const fed = step.edges.filter((edge) => edge.target === step.id)
  const wanted = asked || (width >= ROOMY_PX ? 'both' : 'output')
  const side: Side = !fed.length ? 'output' : wanted === 'both' && width < BOTH_PX ? 'output' : wanted
  const sides: [Side, string][] = [
    ['input', t('results.input')],
    ['output', t('results.output')],
    ...(width >= BOTH_PX ? [['both', t('results.both')] as [Side, string]] : []),
  ]
  return (
    <div className="step-data" ref={box}>
      <div className="step-data-head">
        {fed.length > 0 && (
          <Choice
            name={`side-${step.id}`}
            label={t('results.sides')}
            options={sides}
            value={side}
            choose={(value) => useSide.setState({ side: value as Side })}
          />
        )}
        <span className="step-data-slot" ref={setSlot} />
        <div className="segmented" role="radiogroup" aria-label={t('results.face')}>
          <label title={t('results.rowsFace')}>
            <input
              type="radio"
              name={`face-${step.id}`}
              checked={face === 'rows'}
              onChange={() => useSide.setState({ face: 'rows' })}
            />
            <span>
              <Table2 size={14} aria-hidden="true" />
              <span className="face-name">{t('results.rowsFace')}</span>
            </span>
          </label>
          <label title={t('results.columnsFace')}>
            <input
              type="radio"
              name={`face-${step.id}`}
              checked={face === 'columns'}
              onChange={() => useSide.setState({ face: 'columns' })}
            />
            <span>
              <Columns2 size={14} aria-hidden="true" />
              <span className="face-name">{t('results.columnsFace')}</span>
            </span>
          </label>
        </div>
      </div>
      <Slot value={side === 'both' || width < BOTH_PX ? null : slot}>
        <div className="step-data-sides" data-side={side}>
          {side !== 'output' && (
            <section className="step-side" aria-label={t('results.input')}>
              <Input step={step} fed={fed} titled={side === 'both'} />
            </section>
          )}
          {side !== 'input' && (
            <section className="step-side" aria-label={t('results.output')}>
              {side === 'both' && <h3 className="step-side-title">{t('results.output')}</h3>}
              <Output step={step} cards={cards} />
            </section>
          )}
        </div>
      </Slot>
    </div>
  )
}

function Choice({
  name,
  label,
  options,
  value,
  choose,
}: {
  name: string
  label: string
  options: [string, string][]
  value: string
  choose: (value: string) => void
}) {
  return (
    <div className="segmented output-ports" role="radiogroup" aria-label={label}>
      {options.map(([one, title]) => (
        <label key={one}>
          <input type="radio" name={name} checked={one === value} onChange={() => choose(one)} />
          <span>{title}</span>
        </label>
      ))}
    </div>
  )
}

/** Stored rows of a port: as a table, or what its columns hold. */
function Stored({ id, port, label, bar }: { id: string; port: string; label: string; bar?: ReactNode }) {
  const execution = useRun((state) => state.execution)
  const { face } = useSide()
  const [column, setColumn] = useState('')
  const total = useRun((state) => state.nodes[id]?.ports?.[port])
  const address = `/executions/${execution?.id ?? ''}/nodes/${encodeURIComponent(id)}`
  return (
    <>
      <Bar>
        {bar}
        <span className="grow" />
        {total !== undefined && total !== null && (
          <span className="soft step-side-count">{t('results.rows', { n: total })}</span>
        )}
      </Bar>
      {face === 'columns' ? (
        <ColumnsProfile
          address={address}
          port={port}
          label={label}
          column={column}
          key={`${address}.${port}.profile`}
        />
      ) : (
        <RowsTable
          address={`${address}/preview`}
          port={port}
          label={label}
          key={`${address}.${port}`}
          onColumn={(name) => {
            setColumn(name)
            useSide.setState({ face: 'columns' })
          }}
        />
      )}
    </>
  )
}

/** What the steps before gave to this one. */
function Input({ step, fed, titled }: { step: StepFacts; fed: CanvasEdge[]; titled: boolean }) {
  const nodes = useRun((state) => state.nodes)
  const [chosen, setChosen] = useState('')
  const keyOf = (edge: CanvasEdge) => `${edge.source}.${edge.sourceHandle ?? 'out'}`
  const edge = fed.find((one) => keyOf(one) === chosen) ?? fed[0]
  if (!edge) return null
  const from = nodes[edge.source]
  const port = edge.sourceHandle ?? 'out'
  const name = step.nameOf(edge.source)
  const each = edge.source === step.parent // a loop gives each item to an execution of its own
  const given = !each && from?.has_output && (!from.ports || port in from.ports || !Object.keys(from.ports).length)
  const source =
    fed.length > 1 ? (
      <Choice
        name={`input-${step.id}`}
        label={t('results.inputs')}
        options={fed.map((one) => [keyOf(one), step.titleOf(one.source, one.sourceHandle ?? 'out')])}
        value={keyOf(edge)}
        choose={setChosen}
      />
    ) : (
      <span className="soft">
        {t('results.from')}{' '}
        <button type="button" className="link" onClick={() => step.choose(edge.source)}>
          {name}
        </button>
      </span>
    )
  return (
    <>
      {titled && <h3 className="step-side-title">{t('results.input')}</h3>}
      {given ? (
        <Stored id={edge.source} port={port} label={name} key={keyOf(edge)} bar={source} />
      ) : (
        <>
          <Bar>{source}</Bar>
          <Empty
            title={t(each ? 'results.perItem' : 'results.inputNone')}
            text={
              each
                ? t('results.perItem.why', { name })
                : from?.status === 'skipped'
                  ? t('results.inputSkipped', { name })
                  : t('results.inputNotKept', { name })
            }
          />
        </>
      )}
    </>
  )
}

function Output({ step, cards }: { step: StepFacts; cards: boolean }) {
  const { id, name } = step
  const execution = useRun((state) => state.execution)
  const node = useRun((state) => state.nodes[id])
  const holder = useRun((state) => (step.parent ? state.nodes[step.parent] : undefined))
  const children = useRun((state) => state.children)
  const waits = useRun((state) => state.waits)
  const live = useRun((state) => state.live)
  const [chosen, setPort] = useState('')
  if (!execution) return null
  const items = tally(children, node?.segment_no)
  const ports = [
    ...step.outputs.filter((one) => one.name !== 'item'),
    ...(items.total ? [{ name: ITEMS, title: t('results.executions', { n: items.total }) }] : []),
  ]
  const first =
    items.total && (node?.status !== 'completed' || !node.has_output)
      ? ITEMS
      : ports.find((one) => node?.ports?.[one.name] !== undefined)?.name
  const port = ports.some((one) => one.name === chosen) ? chosen : (first ?? ports[0]?.name ?? 'out')
  const switcher = ports.length > 1 && (
    <Choice
      name={`port-${id}`}
      label={t('results.output')}
      options={ports.map((one) => [one.name, one.title])}
      value={port}
      choose={setPort}
    />
  )
  if (items.total > 0 && port === ITEMS && node) {
    return (
      <>
        <Bar>{switcher}</Bar>
        {node.error && <Wrong error={node.error} />}
        <ChildrenTable
          executionId={execution.id}
          segment={node.segment_no ?? null}
          counts={children.filter((one) => one.segment_no === node.segment_no)}
          title={name}
          live={live}
        />
      </>
    )
  }
  const open = waits.find((one) => one.node_id === id && one.status === 'open')
  if (node?.status === 'parked' && !cards)
    return (
      <Empty
        title={t('results.waits')}
        text={node.waits_for === 'children' ? t('results.waits.children') : t('results.waits.above')}
      />
    )
  if (node?.status === 'parked' && open)
    return (
      <div className="dock-wait">
        <WaitCard wait={open} name={name} />
      </div>
    )
  if (node?.status === 'parked' && node.resumes_at)
    return (
      <div className="dock-wait">
        <TimerCard name={name} at={node.resumes_at} />
      </div>
    )
  if (node?.status === 'skipped') return <Empty title={t('results.notTaken')} text={t('results.notTaken.why')} />
  if (!node && holder && step.parent) {
    const parent = step.parent
    return (
      <Empty title={t('results.perItem')} text={t('results.perItem.why', { name: step.nameOf(parent) })}>
        <button type="button" className="button" onClick={() => step.choose(parent)}>
          {t('results.perItem.show')}
        </button>
      </Empty>
    )
  }
  if (node?.error) return <Wrong error={node.error} />
  const unsaid = live && !Object.keys(node?.ports ?? {}).length
  if (!node?.has_output || unsaid) {
    const running = node && (unsaid || ['running', 'queued', 'pending'].includes(node.status))
    return (
      <Empty
        title={t(running ? 'results.notReady' : 'results.notKept')}
        text={t(running ? 'results.notReady.why' : 'results.notKept.why')}
      />
    )
  }
  if (node.ports && Object.keys(node.ports).length > 0 && !(port in node.ports)) {
    return (
      <>
        <Bar>{switcher}</Bar>
        <Empty
          title={t('results.noRowsHere')}
          text={t('results.noRowsHere.why', { port: ports.find((one) => one.name === port)?.title ?? port })}
        />
      </>
    )
  }
  return <Stored id={id} port={port} label={name} key={port} bar={switcher} />
}

export function Wrong({ error }: { error: Failure }) {
  return (
    <div className="notice dock-notice" data-tone="error" role="alert">
      <p>{error.message}</p>
      {error.hint && <p>{error.hint}</p>}
    </div>
  )
}
