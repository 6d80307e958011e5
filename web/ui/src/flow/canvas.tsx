// The canvas: React Flow over the document, with our own rules for wires, fitting and keys.
import '@xyflow/react/dist/style.css'
import { Background, ConnectionLineType, MarkerType, ReactFlow, useReactFlow, useStore } from '@xyflow/react'
import type { Connection, FinalConnectionState } from '@xyflow/react'
import { Plus } from 'lucide-react'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import type { MouseEvent as Press } from 'react'
import { fail, say } from '../kit/toasts'
import { t } from '../lib/text'
import { acts, focusStep, offer } from './acts'
import { Hint, Tools, Zoom } from './bars'
import { rename } from './commands'
import { useFlowPage } from './context'
import { inputOf, isStep, outputOf, refusal, typeOf } from './graph'
import type { Wire } from './graph'
import { tidied } from './layout'
import { nodeOf } from './lookup'
import { Overview } from './overview'
import { HEIGHT, WIDTH, absolute, fitLoops, levelOf, loopAt, sizeOf } from './nest'
import { Group, Note } from './note'
import { followed, middleOf, regrouped } from './notes'
import { withPorts } from './ports'
import { Step } from './step'
import { change, connect, edgeChanges, nodeChanges, select, selectedIds, settleDrag, startDrag, useDoc } from './store'
import type { StepEdge, StepNode } from './store'
import { openPalette, useUi } from './ui'
import { FAR, READABLE, centred, fitted, toward } from './view'
import { StepWire } from './wire'

const NODES = { step: Step, default: Step, note: Note, group: Group }
const EDGES = { default: StepWire }
const EDGE_LOOK = { markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14 } }
const CULL_ABOVE = 150

export function CanvasView() {
  const { types, readOnly, flowId } = useFlowPage()
  const nodes = useDoc((state) => state.nodes)
  const edges = useDoc((state) => state.edges)
  const flow = useReactFlow<StepNode, StepEdge>()
  const box = useRef<HTMLDivElement>(null)
  const far = useStore((state) => state.transform[2] < FAR)
  const size = () => box.current?.getBoundingClientRect() ?? new DOMRect()

  const fit = useCallback(
    (duration = 0) => {
      const { width, height } = box.current?.getBoundingClientRect() ?? new DOMRect()
      void flow.setViewport(fitted(useDoc.getState().nodes, width, height), { duration })
    },
    [flow],
  )

  const opened = useRef('')
  const ready = useStore((state) => state.width > 0 && state.height > 0)
  useEffect(() => {
    if (!ready || !nodes.length || opened.current === flowId) return
    opened.current = flowId
    fit()
    const [chosen, more] = selectedIds()
    if (chosen && !more) requestAnimationFrame(() => acts.reveal(chosen, true))
  }, [ready, nodes.length, flowId, fit])

  const tidy = async () => {
    try {
      const was = useDoc.getState()
      const places = await tidied(was, types)
      if (useDoc.getState().revision !== was.revision) return
      const before = useDoc.getState()
      const placed = before.nodes.map((node) => {
        const { x, y, ...box } = places[node.id] ?? node.position
        return { ...node, ...box, position: { x, y } }
      })
      change(
        fitLoops(followed(before, regrouped(before, { nodes: placed, edges: before.edges }, new Map(), true)), types),
      )
      fit(200)
    } catch (error) {
      fail(error)
    }
  }
  const center = () => {
    const { left, top, width, height } = size()
    return flow.screenToFlowPosition({ x: left + width / 2 - WIDTH / 2, y: top + height / 2 - HEIGHT / 2 })
  }
  /** Bring a step into view, where it can be read. */
  const reveal = (id: string, ifHidden = false) => {
    const doc = useDoc.getState()
    const node = nodeOf(doc, id)
    if (!node) return
    const { left, top, right, bottom, width, height } = size()
    const at = flow.flowToScreenPosition(middleOf(doc, node))
    if (ifHidden && at.x > left + 90 && at.x < right - 90 && at.y > top + 40 && at.y < bottom - 40) return
    void flow.setViewport(
      centred(middleOf(doc, node), width, height, Math.max(READABLE, Math.min(1.2, flow.getZoom()))),
      { duration: 200 },
    )
  }
  const walk = (x: number, y: number) => {
    const next = toward(useDoc.getState(), [...selectedIds()][0], { x, y })
    if (!next) return
    select([next])
    focusStep(next)
  }
  const reset = () => {
    const { width, height } = size()
    const middle = flow.screenToFlowPosition({ x: size().left + width / 2, y: size().top + height / 2 })
    void flow.setViewport(centred(middle, width, height, 1), { duration: 120 })
  }
  const zoom = (by: number) => void (by > 0 ? flow.zoomIn({ duration: 120 }) : flow.zoomOut({ duration: 120 }))
  useEffect(() => offer({ tidy: () => void tidy(), fit: () => fit(200), reset, zoom, center, reveal, walk }))

  const dropped = (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
    const { fromNode, fromHandle, toNode, toHandle, isValid } = state
    if (isValid || !fromNode || !fromHandle?.id || readOnly) return
    const kind = fromHandle.type
    const wireTo = (node: string, port: string): Wire =>
      kind === 'source'
        ? { source: fromNode.id, sourceHandle: fromHandle.id ?? null, target: node, targetHandle: port }
        : { source: node, sourceHandle: port, target: fromNode.id, targetHandle: fromHandle.id ?? null }
    if (toHandle?.id && toNode) {
      if (toHandle.type === kind) say(kind === 'source' ? t('flow.wire.outputs') : t('flow.wire.inputs'), 'error')
      else say(refusal(useDoc.getState(), types, wireTo(toNode.id, toHandle.id)), 'error')
      return
    }
    const point = 'changedTouches' in event ? event.changedTouches[0] : event
    const under =
      point
      && document.elementFromPoint(point.clientX, point.clientY)?.closest<HTMLElement>('.react-flow__node')?.dataset.id
    const step = under ? nodeOf(useDoc.getState(), under) : undefined
    if (under && step && isStep(step) && under !== levelOf(useDoc.getState(), types, fromNode.id, fromHandle.id, kind))
      return intoNode(under, kind, wireTo)
    if (point)
      openPalette({
        from: { node: fromNode.id, port: fromHandle.id, kind },
        at: flow.screenToFlowPosition({ x: point.clientX, y: point.clientY }),
      })
  }

  /** Dropped on a step's body: the first fitting port, or the reason why there is none. */
  const intoNode = (id: string, kind: 'source' | 'target', wireTo: (node: string, port: string) => Wire) => {
    const type = typeOf(types, nodeOf(useDoc.getState(), id))
    const ports = (kind === 'source' ? type?.inputs : type?.outputs) ?? []
    const fits = ports.find((port) => !refusal(useDoc.getState(), types, wireTo(id, port.name)))
    const first = fits ?? (kind === 'source' ? inputOf(type) : outputOf(type))
    const reason = connect(types, wireTo(id, first?.name ?? (kind === 'source' ? 'in' : 'out')))
    if (reason) say(reason, 'error')
  }

  const over = (_: unknown, __: StepNode, dragged: StepNode[]) => {
    const [first] = dragged
    const doc = useDoc.getState()
    const node = nodeOf(doc, first?.id)
    if (!node || !isStep(node)) return
    const at = absolute(doc, node)
    const { width, height } = sizeOf(node)
    const into = loopAt(
      doc,
      types,
      { x: at.x + width / 2, y: at.y + height / 2 },
      new Set(dragged.map((one) => one.id)),
    )
    if (useUi.getState().dropInto !== into) useUi.setState({ dropInto: into === (node.parentId ?? '') ? '' : into })
  }
  const begin = (_: unknown, node: StepNode, dragged: StepNode[] = [node]) => startDrag(dragged.map((one) => one.id))
  const landed = (_: unknown, __: StepNode, dragged: StepNode[]) => {
    useUi.setState({ dropInto: '' })
    const { cut } = settleDrag(
      types,
      dragged.map((one) => one.id),
    )
    if (cut) say(t('flow.wire.cut', { n: cut }))
  }
  const menu = (of: 'step' | 'canvas', event: Press | MouseEvent) => {
    if (readOnly) return
    event.preventDefault()
    useUi.setState({ menu: { of, x: event.clientX, y: event.clientY } })
  }

  const valid = useCallback(
    (wire: Connection | StepEdge) =>
      !refusal(useDoc.getState(), types, {
        source: wire.source,
        target: wire.target,
        sourceHandle: wire.sourceHandle ?? null,
        targetHandle: wire.targetHandle ?? null,
      }),
    [types],
  )
  const steps = nodes.filter(isStep).length
  const many = nodes.length > CULL_ABOVE
  const placed = useMemo(() => withPorts(types), [types])
  const drawn = useMemo(() => (many ? nodes.map(placed) : nodes), [many, nodes, placed])

  return (
    <div className="canvas" ref={box} data-far={far || undefined} data-testid="canvas">
      <ReactFlow<StepNode, StepEdge>
        nodes={drawn}
        edges={edges}
        nodeTypes={NODES}
        edgeTypes={EDGES}
        defaultEdgeOptions={EDGE_LOOK}
        onNodesChange={nodeChanges}
        onEdgesChange={edgeChanges}
        onNodeDragStart={begin}
        onNodeDrag={over}
        onNodeDragStop={landed}
        onSelectionDragStart={(event, dragged) => begin(event, dragged[0] as StepNode, dragged)}
        onSelectionDragStop={(event, dragged) => landed(event, dragged[0] as StepNode, dragged)}
        onConnect={(wire) => {
          connect(types, wire)
        }}
        onConnectEnd={dropped}
        isValidConnection={valid}
        onNodeDoubleClick={() => {
          if (!readOnly) rename()
        }}
        onNodeClick={() => useUi.setState({ settings: true })}
        onNodeContextMenu={(event, node) => {
          if (!node.selected) select([node.id])
          menu('step', event)
        }}
        onSelectionContextMenu={(event) => menu('step', event)}
        onPaneContextMenu={(event) => menu('canvas', event)}
        connectionLineType={ConnectionLineType.Bezier}
        connectionRadius={26}
        minZoom={0.05}
        maxZoom={2}
        snapToGrid
        snapGrid={[10, 10]}
        nodesDraggable={!readOnly}
        nodesConnectable={!readOnly}
        deleteKeyCode={null}
        multiSelectionKeyCode={['Meta', 'Control', 'Shift']}
        selectionKeyCode="Shift"
        onlyRenderVisibleElements={many}
        zoomOnDoubleClick={false}
        elevateEdgesOnSelect
        aria-label={t('flow.canvas')}
      >
        <Background gap={20} size={1.2} />
        {steps > 6 && <Overview />}
      </ReactFlow>
      {!readOnly && <Tools />}
      <Zoom />
      {!nodes.length && !readOnly && (
        <div className="canvas-empty">
          <h2>{t('flow.empty')}</h2>
          <p className="soft">{t('flow.empty.why')}</p>
          <button type="button" className="button primary" onClick={() => openPalette()}>
            <Plus size={16} aria-hidden="true" />
            {t('flow.empty.first')}
          </button>
        </div>
      )}
      {!readOnly && nodes.length > 0 && <Hint />}
    </div>
  )
}
