// A wire: rows after a run, and a button that puts a step into it.
import { BaseEdge, EdgeLabelRenderer, getBezierPath } from '@xyflow/react'
import type { EdgeProps } from '@xyflow/react'
import { Plus } from 'lucide-react'
import { memo, useState } from 'react'
import { short } from '../lib/format'
import { t } from '../lib/text'
import { useFlowPage } from './context'
import { nodeOf, wiresFrom } from './lookup'
import { useRun } from './run'
import { useDoc } from './store'
import type { StepEdge } from './store'
import { openPalette } from './ui'

export const StepWire = memo(function StepWire(props: EdgeProps<StepEdge>) {
  const {
    id,
    source,
    target,
    sourceHandleId,
    selected,
    sourceX,
    sourceY,
    targetX,
    targetY,
    sourcePosition,
    targetPosition,
  } = props
  const { readOnly, types } = useFlowPage()
  const [over, setOver] = useState(false)
  const run = useRun((state) => state.nodes[source])
  const fed = useRun((state) => state.nodes[target]?.status)
  const type = useDoc((state) => nodeOf(state, source)?.data.nodeType ?? '')
  const several = useDoc((state) => wiresFrom(state.edges, source).length > 2)
  const [path, x, y] = getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition })
  const port = sourceHandleId ?? 'out'
  const chooses = (types.get(type)?.outputs.filter((one) => one.kind === 'data').length ?? 1) > 1
  const known = run?.ports?.[port]
  const count = known ?? (port === 'error' ? run?.rows_rejected : chooses ? undefined : run?.rows_out)
  const choice = types.get(type)?.kind === 'logic' && chooses && port !== 'item'
  const passed = run?.status === 'completed' && choice && known === undefined && Object.keys(run.ports ?? {}).length > 0
  const taken =
    !passed && run?.status !== 'skipped' && !(fed === 'skipped' && (chooses ? known === undefined : !run?.has_output))
  const shown = count !== null && count !== undefined && run?.status === 'completed' && taken && !several
  return (
    <g onMouseEnter={() => setOver(true)} onMouseLeave={() => setOver(false)}>
      <BaseEdge
        id={id}
        path={path}
        interactionWidth={26}
        className={fed === 'running' ? 'wire-running' : run && !taken ? 'wire-not-taken' : undefined}
      />
      <EdgeLabelRenderer>
        <div
          className="wire-label nodrag nopan"
          style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
          data-over={over || selected || undefined}
          onMouseEnter={() => setOver(true)}
          onMouseLeave={() => setOver(false)}
        >
          {shown && <span className="wire-count">{short(count)}</span>}
          {!readOnly && (
            <button
              type="button"
              className="wire-add"
              tabIndex={selected ? 0 : -1}
              aria-label={t('flow.wire.insert')}
              onClick={() => openPalette({ edge: id })}
            >
              <Plus size={14} aria-hidden="true" />
            </button>
          )}
        </div>
      </EdgeLabelRenderer>
    </g>
  )
})
