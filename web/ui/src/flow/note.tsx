// A sticky note and a group on the canvas: a few words, a colour, a frame that takes along what lies in it.
import { NodeResizer } from '@xyflow/react'
import type { NodeProps } from '@xyflow/react'
import { memo } from 'react'
import { t } from '../lib/text'
import { useFlowPage } from './context'
import { layoutOf } from './notes'
import { checkpoint, settleSize } from './store'
import type { StepNode } from './store'

function Grip({ shown, least }: { shown: boolean; least: { width: number; height: number } }) {
  const { types, readOnly } = useFlowPage()
  if (readOnly) return null
  return (
    <NodeResizer
      isVisible={shown}
      minWidth={least.width}
      minHeight={least.height}
      onResizeStart={() => checkpoint()}
      onResizeEnd={() => settleSize(types)}
      handleClassName="frame-grip"
      lineClassName="frame-line"
    />
  )
}

export const Note = memo(function Note({ id, data, selected }: NodeProps<StepNode>) {
  const { label, text, color } = layoutOf({ id, data, position: { x: 0, y: 0 } })
  const said = text || String(data.notes ?? '')
  return (
    <div className="note" data-color={color} data-selected={selected || undefined} data-testid={`note-${id}`}>
      <Grip shown={selected} least={{ width: 120, height: 60 }} />
      {label && <strong>{label}</strong>}
      {said ? <p>{said}</p> : !label && <p className="note-empty">{t('flow.note.empty')}</p>}
    </div>
  )
})

export const Group = memo(function Group({ id, data, selected }: NodeProps<StepNode>) {
  const { label, color } = layoutOf({ id, data, position: { x: 0, y: 0 } })
  return (
    <div className="frame" data-color={color} data-selected={selected || undefined} data-testid={`group-${id}`}>
      <Grip shown={selected} least={{ width: 160, height: 100 }} />
      <div className="frame-head">{label || t('flow.group.new')}</div>
    </div>
  )
})
