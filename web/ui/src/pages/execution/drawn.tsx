// The canvas with the states of an execution; nothing can be changed. The chosen step's rows are below it.
import { ReactFlowProvider } from '@xyflow/react'
import { useEffect, useMemo, useState } from 'react'
import type { ReactNode } from 'react'
import type { Canvas, NodeType } from '../../api/types'
import { CanvasView } from '../../flow/canvas'
import { FlowPageContext } from '../../flow/context'
import { select, show, useDoc } from '../../flow/store'

type Props = {
  id: string
  canvas: Canvas
  types: NodeType[]
  chosen: string
  choose: (id: string) => void
  rows: (id: string) => ReactNode
}

export function Drawn({ id, canvas, types: listed, chosen, choose, rows }: Props) {
  const types = useMemo(() => new Map(listed.map((type) => [type.id, type])), [listed])
  const page = useMemo(
    () => ({
      flowId: `execution ${id}`,
      types,
      problems: [],
      readOnly: true,
      save: async () => false,
      run: () => undefined,
    }),
    [id, types],
  )
  const [ready, setReady] = useState(false)
  useEffect(() => {
    show(`execution ${id}`, canvas, types)
    if (chosen) select([chosen])
    setReady(true)
  }, [id, canvas, types])
  const selected = useDoc((state) =>
    state.nodes
      .filter((node) => node.selected)
      .map((node) => node.id)
      .join(' '),
  )
  const one = selected && !selected.includes(' ') ? selected : ''
  useEffect(() => {
    if (ready && one && one !== chosen) choose(one)
  }, [one])
  if (!ready) return null
  return (
    <FlowPageContext value={page}>
      <ReactFlowProvider>
        <div className={one ? 'canvas-and-rows' : 'canvas-alone'}>
          <CanvasView />
          {one && <div className="step-rows">{rows(one)}</div>}
        </div>
      </ReactFlowProvider>
    </FlowPageContext>
  )
}
