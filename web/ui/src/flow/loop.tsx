// A loop on the canvas: a frame that holds the steps of a round, with its item at the left and its result at the right.
import { Handle, NodeResizeControl, Position, ResizeControlVariant } from '@xyflow/react'
import type { NodeProps } from '@xyflow/react'
import { Ban, CircleAlert, Plus } from 'lucide-react'
import { memo, useMemo } from 'react'
import type { Port } from '../api/types'
import { StateIcon } from '../kit/icon'
import { Tile } from '../kit/tile'
import { count } from '../lib/format'
import { t } from '../lib/text'
import { useFlowPage } from './context'
import { problemsOf } from './lookup'
import { EMPTY, HEAD, PAD, RAIL, childrenOf, sizeOf } from './nest'
import { moreOf } from './more'
import { tally, useRun } from './run'
import { checkpoint, settleSize, useDoc } from './store'
import type { StepNode } from './store'
import { openPalette, useUi } from './ui'

const INNER = new Set(['item', 'result'])

export const Loop = memo(function Loop({ id, data, selected }: NodeProps<StepNode>) {
  const { types, problems, readOnly } = useFlowPage()
  const run = useRun((state) => state.nodes[id])
  const children = useRun((state) => state.children)
  const over = useUi((state) => state.dropInto === id)
  const empty = useDoc((state) => !state.nodes.some((node) => node.parentId === id))
  const least = useDoc((state) => leastOf(state, id))
  const type = types.get(data.nodeType)
  const wrong = problemsOf(problems, id).find((one) => one.severity === 'error')
  const label = data.label || type?.title || data.nodeType
  const items = useMemo(() => tally(children, run?.segment_no), [children, run?.segment_no])
  const ports = (list: Port[] = []) => list.filter((port) => !INNER.has(port.name))
  const [minWidth, minHeight] = least.split(' ').map(Number) as [number, number]
  return (
    <div
      className="loop"
      data-selected={selected || undefined}
      data-status={run?.status}
      data-disabled={data.disabled || undefined}
      data-wrong={Boolean(wrong) || undefined}
      data-over={over || undefined}
      data-testid={`step-${id}`}
    >
      <div className="loop-head">
        <Tile icon={type?.icon ?? ''} kind={type?.kind ?? 'logic'} title={type?.title ?? '?'} small />
        <span className="step-text">
          <span className="step-name" title={label}>
            {label}
          </span>
          <span className="step-more">{items.total ? '' : moreOf(run, type?.title ?? '')}</span>
        </span>
        {items.total > 0 && (
          <span className="loop-items" title={items.words}>
            <span className="loop-bar" aria-hidden="true">
              <span data-tone="ok" style={{ width: `${(items.done / items.total) * 100}%` }} />
              <span data-tone="error" style={{ width: `${(items.bad / items.total) * 100}%` }} />
            </span>
            {t('flow.loop.items', { done: count(items.done + items.bad), total: count(items.total) })}
          </span>
        )}
        {data.disabled ? (
          <Ban size={15} className="soft" role="img" aria-label={t('flow.step.disabled')} />
        ) : wrong && !run?.error ? (
          <span
            className="state-icon"
            data-tone="error"
            role="img"
            aria-label={t('flow.step.problem')}
            title={wrong.message}
          >
            <CircleAlert size={15} aria-hidden="true" />
          </span>
        ) : (
          run && <StateIcon name={run.status} />
        )}
        {!readOnly && (
          <button
            type="button"
            className="icon-button loop-add nodrag"
            aria-label={t('flow.loop.addTo', { loop: label })}
            title={t('flow.loop.add')}
            onClick={(event) => {
              event.stopPropagation()
              openPalette({ inside: id })
            }}
          >
            <Plus size={16} />
          </button>
        )}
      </div>
      <div className="loop-body">
        {empty
          && (readOnly ? (
            <p className="soft">{t('flow.loop.nothing')}</p>
          ) : (
            <button
              type="button"
              className="loop-empty nodrag"
              onClick={(event) => {
                event.stopPropagation()
                openPalette({ inside: id })
              }}
            >
              <Plus size={15} aria-hidden="true" />
              {t('flow.loop.first')}
            </button>
          ))}
      </div>
      {ports(type?.inputs).map((port) => (
        <Handle
          key={port.name}
          id={port.name}
          type="target"
          position={Position.Left}
          style={{ top: HEAD / 2 }}
          title={port.title}
        />
      ))}
      {ports(type?.outputs).map((port) => (
        <Handle
          key={port.name}
          id={port.name}
          type="source"
          position={Position.Right}
          style={{ top: port.kind === 'error' ? HEAD + 20 : HEAD / 2 }}
          data-kind={port.kind}
          title={port.title}
        />
      ))}
      <span className="loop-port" data-side="item">
        {t('flow.loop.item')}
        <Handle id="item" type="source" position={Position.Right} title={t('flow.loop.item.help')} />
      </span>
      <span className="loop-port" data-side="result">
        {t('flow.loop.result')}
        <Handle id="result" type="target" position={Position.Left} title={t('flow.loop.result.help')} />
      </span>
      {!readOnly
        && (['right', 'bottom', 'bottom-right'] as const).map((side) => (
          <NodeResizeControl
            key={side}
            position={side}
            variant={side === 'bottom-right' ? ResizeControlVariant.Handle : ResizeControlVariant.Line}
            minWidth={minWidth}
            minHeight={minHeight}
            className={`loop-grip loop-grip-${side}`}
            onResizeStart={() => checkpoint()}
            onResizeEnd={() => settleSize(types)}
          />
        ))}
    </div>
  )
})

/** The smallest size that still holds what is inside, as text so that the same is the same. */
function leastOf({ nodes, edges }: { nodes: StepNode[]; edges: [] | StepNode[] | unknown[] }, id: string): string {
  const inside = childrenOf({ nodes, edges: edges as [] }, id)
  const right = Math.max(0, ...inside.map((node) => node.position.x + sizeOf(node).width))
  const bottom = Math.max(0, ...inside.map((node) => node.position.y + sizeOf(node).height))
  return `${Math.max(EMPTY.width, right + RAIL)} ${Math.max(EMPTY.height, bottom + PAD)}`
}
