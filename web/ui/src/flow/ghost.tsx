// A step that is dragged from the palette: it follows the pointer and lands on the canvas, in a wire, or in a loop.
import { useReactFlow } from '@xyflow/react'
import { useEffect } from 'react'
import { Tile } from '../kit/tile'
import { useFlowPage } from './context'
import { HEIGHT, WIDTH, loopAt } from './nest'
import { addStep } from './palette'
import { useDoc } from './store'
import { useUi } from './ui'

export function Ghost() {
  const ghost = useUi((state) => state.ghost)
  const { types } = useFlowPage()
  const flow = useReactFlow()
  const type = ghost && types.get(ghost.type)
  const active = Boolean(type)
  useEffect(() => {
    if (!active) return undefined
    const move = (event: PointerEvent) =>
      useUi.setState(({ ghost: held }) => ({ ghost: held && { ...held, x: event.clientX, y: event.clientY } }))
    const drop = (event: PointerEvent) => {
      const held = types.get(useUi.getState().ghost?.type ?? '')
      useUi.setState({ ghost: null })
      const under = document.elementsFromPoint(event.clientX, event.clientY)
      if (!held || !under.some((one) => one.closest('.react-flow'))) return
      const edge = under.map((one) => one.closest<HTMLElement>('.react-flow__edge')?.dataset.id).find(Boolean)
      const point = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY })
      const inside = loopAt(useDoc.getState(), types, point)
      addStep(
        types,
        held,
        edge ? { edge } : inside ? { inside } : { at: { x: point.x - WIDTH / 2, y: point.y - HEIGHT / 2 } },
      )
    }
    const stop = (event: KeyboardEvent) => {
      if (event.key === 'Escape') useUi.setState({ ghost: null })
    }
    addEventListener('pointermove', move)
    addEventListener('pointerup', drop)
    addEventListener('keydown', stop)
    return () => {
      removeEventListener('pointermove', move)
      removeEventListener('pointerup', drop)
      removeEventListener('keydown', stop)
    }
  }, [active, flow, types])
  if (!ghost || !type) return null
  return (
    <div className="ghost step" aria-hidden="true" style={{ left: ghost.x - WIDTH / 2, top: ghost.y - HEIGHT / 2 }}>
      <Tile icon={type.icon} kind={type.kind} title={type.title} />
      <span className="step-text">
        <span className="step-name">{type.title}</span>
      </span>
    </div>
  )
}
