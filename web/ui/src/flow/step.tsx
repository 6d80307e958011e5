// A step on the canvas: tile, name, state, counts, and its handles.
import { Handle, Position } from '@xyflow/react'
import type { NodeProps } from '@xyflow/react'
import { Ban, CircleAlert, Pin } from 'lucide-react'
import { memo } from 'react'
import type { Port } from '../api/types'
import { StateIcon } from '../kit/icon'
import { Tile } from '../kit/tile'
import { t } from '../lib/text'
import { useFlowPage } from './context'
import { problemsOf } from './lookup'
import { Loop } from './loop'
import { moreOf } from './more'
import { Note } from './note'
import { usePins } from './pins'
import { UNKNOWN_IN, UNKNOWN_OUT, shareOf } from './ports'
import { useRun } from './run'
import type { StepNode } from './store'

function Handles({ ports, side }: { ports: Port[]; side: 'in' | 'out' }) {
  return ports.map((port, index) => (
    <Handle
      key={port.name}
      id={port.name}
      type={side === 'in' ? 'target' : 'source'}
      position={side === 'in' ? Position.Left : Position.Right}
      style={{ top: `${shareOf(index, ports.length) * 100}%` }}
      data-kind={port.kind}
      title={port.title}
    />
  ))
}

/** A step, or a loop with the steps inside. */
export const Step = memo(function Step(props: NodeProps<StepNode>) {
  const { types } = useFlowPage()
  if (!props.data.nodeType) return <Note {...props} />
  return types.get(props.data.nodeType)?.role === 'loop' ? <Loop {...props} /> : <Plain {...props} />
})

const Plain = memo(function Plain({ id, data, selected }: NodeProps<StepNode>) {
  const { types, problems } = useFlowPage()
  const run = useRun((state) => state.nodes[id])
  const type = types.get(data.nodeType)
  const pin = usePins((pins) => pins[id])
  const wrong = problemsOf(problems, id).find((one) => one.severity === 'error')
  const label = data.label || type?.title || data.nodeType
  return (
    <div
      className="step"
      data-selected={selected || undefined}
      data-status={run?.status}
      data-disabled={data.disabled || undefined}
      data-wrong={Boolean(wrong) || undefined}
      data-testid={`step-${id}`}
    >
      <Tile icon={type?.icon ?? ''} kind={type?.kind ?? 'logic'} title={type?.title ?? '?'} />
      <span className="step-text">
        <span className="step-name" title={label}>
          {label}
        </span>
        <span className="step-more">
          {moreOf(run, type ? type.title : t('flow.step.unknown', { type: data.nodeType }))}
        </span>
      </span>
      {pin && <Pin size={14} className="pin" role="img" aria-label={t('flow.pin')} />}
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
      <Handles ports={type?.inputs ?? UNKNOWN_IN} side="in" />
      <Handles ports={type?.outputs ?? UNKNOWN_OUT} side="out" />
    </div>
  )
})
