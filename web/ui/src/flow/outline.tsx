// The second face of the canvas: the steps as a list, for keyboards, screen readers and phones.
import { Plus } from 'lucide-react'
import { useEffect, useMemo } from 'react'
import type { KeyboardEvent, ReactNode } from 'react'
import { StateIcon } from '../kit/icon'
import { Tile } from '../kit/tile'
import { rows, took } from '../lib/format'
import { t } from '../lib/text'
import { focusStep, offer } from './acts'
import { useFlowPage } from './context'
import { isStep, labelOf, portsOf } from './graph'
import { nodeOf, problemsOf, wiresInto } from './lookup'
import { moreOf } from './more'
import { border } from './nest'
import { inOrder } from './order'
import { usePins } from './pins'
import { useRun } from './run'
import { select, useDoc } from './store'
import { openPalette, useUi } from './ui'

export function Outline() {
  const { types, problems, readOnly } = useFlowPage()
  const nodes = useDoc((state) => state.nodes)
  const edges = useDoc((state) => state.edges)
  const run = useRun((state) => state.nodes)
  const pins = usePins()
  const doc = useMemo(() => ({ nodes, edges }), [nodes, edges])
  const steps = useMemo(
    () =>
      inOrder(
        doc.nodes.filter(isStep),
        doc.edges.filter((edge) => !border(doc, portsOf(edge))),
      ),
    [doc],
  )
  useEffect(() =>
    offer({
      reveal: (id) => document.querySelector(`[data-step="${CSS.escape(id)}"]`)?.scrollIntoView({ block: 'nearest' }),
    }),
  )
  const key = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-step]')]
    const next = by && all[all.indexOf(document.activeElement as HTMLElement) + by]
    if (next) {
      event.preventDefault()
      next.focus()
      select([next.dataset.step as string])
    }
  }
  const open = (id: string) => {
    select([id])
    useUi.setState({ settings: true })
  }
  const menu = (id: string, at: Element) => {
    const { left, bottom } = at.getBoundingClientRect()
    select([id])
    focusStep(id, 0)
    useUi.setState({ menu: { of: 'step', x: left, y: bottom } })
  }
  const level = (parent: string): ReactNode =>
    steps
      .filter((node) => (node.parentId ?? '') === parent)
      .map((node) => {
        const type = types.get(node.data.nodeType)
        const state = run[node.id]
        const before = wiresInto(edges, node.id)
          .filter((edge) => edge.source !== parent && !border(doc, portsOf(edge)))
          .map((edge) => labelOf(nodeOf(doc, edge.source)))
        const wrong = problemsOf(problems, node.id)[0]
        const more =
          wrong?.message
          ?? (state && ['parked', 'skipped'].includes(state.status)
            ? moreOf(state, '')
            : before.length
              ? t('flow.outline.after', { steps: before.join(', ') })
              : type?.title)
        return (
          <li key={node.id}>
            <button
              type="button"
              data-step={node.id}
              aria-pressed={Boolean(node.selected)}
              data-disabled={node.data.disabled || undefined}
              onClick={() => open(node.id)}
              onContextMenu={(event) => {
                event.preventDefault()
                menu(node.id, event.currentTarget)
              }}
            >
              <Tile icon={type?.icon ?? ''} kind={type?.kind ?? 'logic'} title={type?.title ?? '?'} small />
              <span className="outline-text">
                <span>{labelOf(node)}</span>
                <span className="soft">{more}</span>
              </span>
              {node.data.disabled && <span className="badge">{t('flow.step.disabled')}</span>}
              {pins[node.id] && <span className="badge">{t('flow.pin')}</span>}
              {state && (
                <span className="outline-state">
                  {state.rows_out !== null && state.rows_out !== undefined && (
                    <span className="soft">
                      {rows(state.rows_out)}
                      {state.duration_ms ? ` · ${took(state.duration_ms)}` : ''}
                    </span>
                  )}
                  <StateIcon name={state.status} />
                </span>
              )}
            </button>
            {type?.role === 'loop' && (
              <ol aria-label={t('flow.outline.inside', { loop: labelOf(node) })}>
                {level(node.id)}
                {!readOnly && (
                  <li>
                    <button type="button" className="outline-inside" onClick={() => openPalette({ inside: node.id })}>
                      <Plus size={15} aria-hidden="true" />
                      {t('flow.loop.add')}
                    </button>
                  </li>
                )}
              </ol>
            )}
          </li>
        )
      })
  return (
    <div className="outline" onKeyDown={key}>
      {steps.length === 0 && <p className="soft outline-none">{t('flow.empty.why')}</p>}
      <ol aria-label={t('flow.steps')}>{level('')}</ol>
      {!readOnly && (
        <button type="button" className="button" onClick={() => openPalette()}>
          <Plus size={16} aria-hidden="true" />
          {t('flow.command.add')}
        </button>
      )}
    </div>
  )
}
