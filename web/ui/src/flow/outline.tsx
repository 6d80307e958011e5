// The second face of the canvas: the steps as a list, for keyboards, screen readers and phones.
import { Plus } from 'lucide-react'
import { useMemo } from 'react'
import type { ReactNode } from 'react'
import { StateIcon } from '../kit/icon'
import { Tile } from '../kit/tile'
import { rows, took } from '../lib/format'
import { useFlowPage } from './context'
import { isStep, portsOf } from './graph'
import { moreOf } from './more'
import { border } from './nest'
import { useRun } from './run'
import { select, useDoc } from './store'
import type { StepEdge, StepNode } from './store'
import { openPalette, useUi } from './ui'

/** Steps in the order in which rows flow. */
function inOrder(nodes: StepNode[], edges: StepEdge[]): StepNode[] {
  const left = new Map(nodes.map((node) => [node.id, edges.filter((edge) => edge.target === node.id).length]))
  const sorted = [...nodes].sort((a, b) => a.position.x - b.position.x || a.position.y - b.position.y)
  const found: StepNode[] = []
  while (found.length < sorted.length) {
    const next = sorted.find((node) => !found.includes(node) && left.get(node.id) === 0) ?? sorted.find((node) => !found.includes(node))
    if (!next) break
    found.push(next)
    edges.filter((edge) => edge.source === next.id).forEach((edge) => left.set(edge.target, (left.get(edge.target) ?? 1) - 1))
  }
  return found
}

export function Outline() {
  const { types, problems, readOnly } = useFlowPage()
  const nodes = useDoc((state) => state.nodes)
  const edges = useDoc((state) => state.edges)
  const run = useRun((state) => state.nodes)
  const steps = useMemo(() => inOrder(nodes.filter(isStep), edges.filter((edge) => !border({ nodes, edges }, portsOf(edge)))), [nodes, edges])
  const name = (id: string) => nodes.find((node) => node.id === id)?.data.label || id
  const level = (parent: string): ReactNode => steps.filter((node) => (node.parentId ?? '') === parent).map((node) => {
    const type = types.get(node.data.nodeType)
    const state = run[node.id]
    const before = edges.filter((edge) => edge.target === node.id && edge.source !== parent && !border({ nodes, edges }, portsOf(edge))).map((edge) => name(edge.source))
    const wrong = problems.find((one) => one.node_id === node.id)
    const loop = type?.role === 'loop'
    return (
      <li key={node.id}>
        <button type="button" aria-pressed={Boolean(node.selected)} onClick={() => { select([node.id]); useUi.setState({ settings: true }) }}>
          <Tile icon={type?.icon ?? ''} kind={type?.kind ?? 'logic'} title={type?.title ?? '?'} small />
          <span className="outline-text"><span>{node.data.label || node.id}</span>
            <span className="soft">{wrong?.message ?? (state && ['parked', 'skipped'].includes(state.status) ? moreOf(state, '') : before.length ? `after ${before.join(', ')}` : type?.title)}</span></span>
          {state && <span className="outline-state">{state.rows_out !== null && state.rows_out !== undefined && <span className="soft">{rows(state.rows_out)}{state.duration_ms ? ` · ${took(state.duration_ms)}` : ''}</span>}<StateIcon name={state.status} /></span>}
        </button>
        {loop && (
          <ol aria-label={`Inside ${node.data.label || node.id}`}>
            {level(node.id)}
            {!readOnly && <li><button type="button" className="outline-inside" onClick={() => openPalette({ inside: node.id })}><Plus size={15} aria-hidden="true" />Add a step inside</button></li>}
          </ol>
        )}
      </li>
    )
  })
  return (
    <div className="outline">
      <ol aria-label="Steps">{level('')}</ol>
      {!readOnly && <button type="button" className="button" onClick={() => openPalette()}><Plus size={16} aria-hidden="true" />Add a step</button>}
    </div>
  )
}
