// The canvas: React Flow over the document, with our own rules for wires, fitting and keys.
import '@xyflow/react/dist/style.css'
import { Background, ConnectionLineType, MarkerType, MiniMap, ReactFlow, useReactFlow, useStore } from '@xyflow/react'
import type { Connection, FinalConnectionState, Viewport } from '@xyflow/react'
import { Maximize, Minus, Network, Plus, Redo2, Undo2 } from 'lucide-react'
import { useCallback, useEffect, useRef } from 'react'
import { fail, say } from '../kit/toasts'
import { useFlowPage } from './context'
import { inputOf, isStep, outputOf, refusal, typeOf } from './graph'
import type { Wire } from './graph'
import { tidied } from './layout'
import { HEIGHT, WIDTH, absolute, levelOf, loopAt, sizeOf } from './nest'
import { Note, Step } from './step'
import { change, checkpoint, connect, edgeChanges, nodeChanges, redo, settleDrag, undo, useDoc } from './store'
import type { StepEdge, StepNode } from './store'
import { openPalette, useUi } from './ui'
import { StepWire } from './wire'

const NODES = { step: Step, default: Step, note: Note }
const EDGES = { default: StepWire }
const EDGE_LOOK = { markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14 } }
export const READABLE = 0.72
const MARGIN = 48
const CULL_ABOVE = 150
const FAR = 0.35

/** The view in which labels can be read: everything if it fits, else from the first step. */
export function fitted(nodes: StepNode[], width: number, height: number): Viewport {
  if (!nodes.length || !width) return { x: MARGIN, y: MARGIN, zoom: 1 }
  const outer = nodes.filter((node) => !node.parentId)
  const left = Math.min(...outer.map((node) => node.position.x))
  const top = Math.min(...outer.map((node) => node.position.y))
  const right = Math.max(...outer.map((node) => node.position.x + sizeOf(node).width))
  const bottom = Math.max(...outer.map((node) => node.position.y + sizeOf(node).height))
  const left0 = width > 700 ? 88 : MARGIN / 2
  const wanted = Math.min((width - left0 - MARGIN) / (right - left), (height - 2 * MARGIN) / (bottom - top))
  const zoom = Math.max(READABLE, Math.min(1, wanted))
  const spareX = width - left0 - MARGIN - (right - left) * zoom
  const spareY = height - (bottom - top) * zoom
  return { zoom, x: left0 + Math.max(0, spareX / 2) - left * zoom, y: Math.max(MARGIN, spareY / 2) - top * zoom }
}

export function CanvasView() {
  const { types, readOnly, flowId } = useFlowPage()
  const nodes = useDoc((state) => state.nodes)
  const edges = useDoc((state) => state.edges)
  const flow = useReactFlow<StepNode, StepEdge>()
  const box = useRef<HTMLDivElement>(null)
  const far = useStore((state) => state.transform[2] < FAR)

  const fit = useCallback((duration = 0) => {
    const { width = 0, height = 0 } = box.current?.getBoundingClientRect() ?? {}
    void flow.setViewport(fitted(useDoc.getState().nodes, width, height), { duration })
  }, [flow])

  const opened = useRef('')
  const ready = useStore((state) => state.width > 0 && state.height > 0)
  useEffect(() => {
    if (!ready || !nodes.length || opened.current === flowId) return
    opened.current = flowId
    fit()
  }, [ready, nodes.length, flowId, fit])

  const tidy = useCallback(async () => {
    try {
      const was = useDoc.getState()
      const places = await tidied(was, types)
      if (useDoc.getState().nodes.length !== was.nodes.length) return
      change({ nodes: useDoc.getState().nodes.map((node) => {
        const { x, y, ...size } = places[node.id] ?? node.position
        return { ...node, ...size, position: { x, y } }
      }) })
      fit(200)
    } catch (error) {
      fail(error)
    }
  }, [fit, types])
  useEffect(() => { acts.tidy = () => void tidy(); acts.fit = () => fit(200); acts.center = () => centre() })

  const centre = () => {
    const { left = 0, top = 0, width = 0, height = 0 } = box.current?.getBoundingClientRect() ?? {}
    return flow.screenToFlowPosition({ x: left + width / 2 - WIDTH / 2, y: top + height / 2 - HEIGHT / 2 })
  }

  const dropped = (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
    const { fromNode, fromHandle, toNode, toHandle, isValid } = state
    if (isValid || !fromNode || !fromHandle?.id || readOnly) return
    const kind = fromHandle.type
    const wireTo = (node: string, port: string): Wire => kind === 'source'
      ? { source: fromNode.id, sourceHandle: fromHandle.id ?? null, target: node, targetHandle: port }
      : { source: node, sourceHandle: port, target: fromNode.id, targetHandle: fromHandle.id ?? null }
    if (toHandle?.id && toNode) {
      if (toHandle.type === kind) say(kind === 'source' ? 'An output connects to an input, not to another output.' : 'An input connects to an output, not to another input.', 'error')
      else say(refusal(useDoc.getState(), types, wireTo(toNode.id, toHandle.id)), 'error')
      return
    }
    const point = 'changedTouches' in event ? event.changedTouches[0] : event
    const under = point && document.elementFromPoint(point.clientX, point.clientY)?.closest<HTMLElement>('.react-flow__node')?.dataset.id
    if (under && under !== levelOf(useDoc.getState(), types, fromNode.id, fromHandle.id, kind)) return intoNode(under, kind, wireTo)
    if (point) openPalette({ from: { node: fromNode.id, port: fromHandle.id, kind }, at: flow.screenToFlowPosition({ x: point.clientX, y: point.clientY }) })
  }

  /** Dropped on a step's body: the first fitting port, or the reason why there is none. */
  const intoNode = (id: string, kind: 'source' | 'target', wireTo: (node: string, port: string) => Wire) => {
    const node = useDoc.getState().nodes.find((one) => one.id === id)
    const type = typeOf(types, node)
    const ports = (kind === 'source' ? type?.inputs : type?.outputs) ?? []
    const fits = ports.find((port) => !refusal(useDoc.getState(), types, wireTo(id, port.name)))
    const first = fits ?? (kind === 'source' ? inputOf(type) : outputOf(type))
    const reason = connect(types, wireTo(id, first?.name ?? (kind === 'source' ? 'in' : 'out')))
    if (reason) say(reason, 'error')
  }

  const over = (_: unknown, __: StepNode, dragged: StepNode[]) => {
    const [first] = dragged
    const doc = useDoc.getState()
    const node = doc.nodes.find((one) => one.id === first?.id)
    if (!node || !isStep(node)) return
    const at = absolute(doc, node)
    const { width, height } = sizeOf(node)
    const into = loopAt(doc, types, { x: at.x + width / 2, y: at.y + height / 2 }, new Set(dragged.map((one) => one.id)))
    if (useUi.getState().dropInto !== into) useUi.setState({ dropInto: into === (node.parentId ?? '') ? '' : into })
  }
  const landed = (_: unknown, __: StepNode, dragged: StepNode[]) => {
    useUi.setState({ dropInto: '' })
    const { cut } = settleDrag(types, dragged.map((one) => one.id))
    if (cut) say(`${cut} ${cut === 1 ? 'wire was' : 'wires were'} taken off: ${cut === 1 ? 'it' : 'they'} would cross the border of a loop. Undo brings ${cut === 1 ? 'it' : 'them'} back.`)
  }

  const valid = useCallback((wire: Connection | StepEdge) => !refusal(useDoc.getState(), types, {
    source: wire.source, target: wire.target, sourceHandle: wire.sourceHandle ?? null, targetHandle: wire.targetHandle ?? null,
  }), [types])

  return (
    <div className="canvas" ref={box} data-far={far || undefined} data-testid="canvas">
      <ReactFlow<StepNode, StepEdge>
        nodes={nodes} edges={edges} nodeTypes={NODES} edgeTypes={EDGES} defaultEdgeOptions={EDGE_LOOK}
        onNodesChange={nodeChanges} onEdgesChange={edgeChanges} onNodeDragStart={() => checkpoint()} onNodeDrag={over} onNodeDragStop={landed} onSelectionDragStart={() => checkpoint()} onSelectionDragStop={(event, dragged) => landed(event, dragged[0] as StepNode, dragged)}
        onConnect={(wire) => { connect(types, wire) }} onConnectEnd={dropped} isValidConnection={valid}
        onNodeDoubleClick={() => useUi.setState({ settings: true })} onNodeClick={() => useUi.setState({ settings: true })}
        connectionLineType={ConnectionLineType.Bezier} connectionRadius={26} minZoom={0.1} maxZoom={2} snapToGrid snapGrid={[10, 10]}
        nodesDraggable={!readOnly} nodesConnectable={!readOnly} deleteKeyCode={null} multiSelectionKeyCode={['Meta', 'Control', 'Shift']} selectionKeyCode="Shift"
        onlyRenderVisibleElements={nodes.length > CULL_ABOVE} zoomOnDoubleClick={false} elevateEdgesOnSelect
        aria-label="Canvas of the flow"
      >
        <Background gap={20} size={1.2} />
        {nodes.filter(isStep).length > 6 && <MiniMap pannable zoomable className="minimap" ariaLabel="Map of the flow" nodeBorderRadius={6} nodeClassName={(node) => (types.get(String(node.data.nodeType))?.role === 'loop' ? 'minimap-loop' : '')} />}
      </ReactFlow>
      {!readOnly && <Tools tidy={() => void tidy()} />}
      <div className="zoom" role="group" aria-label="Zoom">
        <button type="button" className="icon-button" aria-label="Zoom in" onClick={() => void flow.zoomIn({ duration: 120 })}><Plus size={16} /></button>
        <button type="button" className="icon-button" aria-label="Zoom out" onClick={() => void flow.zoomOut({ duration: 120 })}><Minus size={16} /></button>
        <button type="button" className="icon-button" aria-label="Fit" title="Fit (1)" onClick={() => fit(200)}><Maximize size={15} /></button>
      </div>
      {!nodes.length && !readOnly && (
        <div className="canvas-empty"><h2>An empty flow</h2><p className="soft">Begin with a step that reads rows.</p>
          <button type="button" className="button primary" onClick={() => openPalette()}><Plus size={16} aria-hidden="true" />Add the first step</button></div>
      )}
      {!readOnly && nodes.length > 0 && (
        <p className="hint" aria-hidden="true"><kbd>/</kbd> add step <kbd>C</kbd> connect <kbd>Ctrl</kbd><kbd>Enter</kbd> run <kbd>?</kbd> all shortcuts</p>
      )}
    </div>
  )
}

function Tools({ tidy }: { tidy: () => void }) {
  const past = useDoc((state) => state.past.length)
  const future = useDoc((state) => state.future.length)
  return (
    <div className="tools" role="toolbar" aria-label="Canvas tools">
      <button type="button" className="icon-button primary" aria-label="Add a step" title="Add a step (/)" onClick={() => openPalette()}><Plus size={19} /></button>
      <button type="button" className="icon-button" aria-label="Undo" title="Undo (Ctrl Z)" disabled={!past} onClick={undo}><Undo2 size={18} /></button>
      <button type="button" className="icon-button" aria-label="Redo" title="Redo (Ctrl Shift Z)" disabled={!future} onClick={redo}><Redo2 size={18} /></button>
      <button type="button" className="icon-button" aria-label="Tidy up" title="Tidy up (Shift Alt T)" onClick={tidy}><Network size={18} /></button>
    </div>
  )
}

/** What keys and the palette ask of the canvas. */
export const acts: { tidy: () => void; fit: () => void; center: () => { x: number; y: number } } = {
  tidy: () => undefined, fit: () => undefined, center: () => ({ x: 0, y: 0 }),
}

/** Give a step the focus as soon as it is on the canvas and no dialog holds the focus any more. */
export function focusStep(id: string, left = 30) {
  requestAnimationFrame(() => {
    const step = document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`)
    if (step && !document.querySelector('.dialog')) step.focus({ preventScroll: true })
    if (document.activeElement !== step && left > 0) focusStep(id, left - 1)
  })
}
