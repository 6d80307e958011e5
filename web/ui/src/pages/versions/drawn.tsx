// Two versions on one canvas: what was added, removed and changed, by colour and by a sign.
import '@xyflow/react/dist/style.css'
import { Background, Handle, MarkerType, Position, ReactFlow, ReactFlowProvider } from '@xyflow/react'
import type { Edge, Node, NodeProps } from '@xyflow/react'
import { Equal, Minus, PencilLine, Plus } from 'lucide-react'
import { memo, useMemo, useRef } from 'react'
import type { NodeType } from '../../api/types'
import { HEIGHT, WIDTH, sizeOf } from '../../flow/nest'
import { fitted } from '../../flow/view'
import { Tile } from '../../kit/tile'
import { t } from '../../lib/text'
import type { Difference, Kind, StepChange } from '../../flow/diff'

export const SIGNS = { added: Plus, removed: Minus, changed: PencilLine, same: Equal }
type Shown = Node<{ change: StepChange; type: NodeType | undefined; inputs: string[]; outputs: string[] }>
const NODES = { step: memo(Step) }
const LOOK = { markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14 } }

function Step({ data: { change, type, inputs, outputs }, selected }: NodeProps<Shown>) {
  const Sign = SIGNS[change.kind]
  const { label, nodeType, text } = change.node.data
  const loop = type?.role === 'loop'
  return (
    <div
      className={loop ? 'loop diff-step' : nodeType ? 'step diff-step' : 'note diff-step'}
      data-kind={change.kind}
      data-selected={selected || undefined}
      data-testid={`diff-${change.id}`}
    >
      <div className={loop ? 'loop-head' : 'diff-row'}>
        {nodeType && <Tile icon={type?.icon ?? ''} kind={type?.kind ?? 'logic'} title={type?.title ?? '?'} />}
        <span className="step-text">
          <span className="step-name">{label || type?.title || String(text ?? '') || nodeType}</span>
          <span className="step-more">{nodeType ? t(`versions.kind.${change.kind}`) : ''}</span>
        </span>
        {change.kind !== 'same' && (
          <span className="diff-sign">
            <Sign size={13} aria-hidden="true" />
          </span>
        )}
      </div>
      {inputs.map((port, at) => (
        <Handle
          key={port}
          id={port}
          type="target"
          position={Position.Left}
          isConnectable={false}
          style={{ top: `${((at + 1) / (inputs.length + 1)) * 100}%` }}
        />
      ))}
      {outputs.map((port, at) => (
        <Handle
          key={port}
          id={port}
          type="source"
          position={Position.Right}
          isConnectable={false}
          style={{ top: `${((at + 1) / (outputs.length + 1)) * 100}%` }}
        />
      ))}
    </div>
  )
}

type Props = { found: Difference; types: NodeType[]; chosen: string; choose: (id: string) => void }

export function Drawn({ found, types, chosen, choose }: Props) {
  const edges = useMemo(
    () =>
      found.wires.map(({ edge, kind }): Edge => ({
        ...edge,
        sourceHandle: edge.sourceHandle ?? 'out',
        targetHandle: edge.targetHandle ?? 'in',
        className: `diff-wire-${kind}`,
        selectable: false,
        ...(kind === 'same' ? {} : { label: kind === 'added' ? '+' : '−' }),
      })),
    [found],
  )
  const nodes = useMemo(() => {
    const known = new Set(found.steps.map((one) => one.id))
    const ports = (id: string, side: 'source' | 'target') => [
      ...new Set(
        edges
          .filter((edge) => edge[side] === id)
          .map((edge) => String(side === 'source' ? edge.sourceHandle : edge.targetHandle)),
      ),
    ]
    const drawn = found.steps.map((change): Shown => {
      const { node } = change
      const type = types.find((one) => one.id === node.data.nodeType)
      const size = type?.role === 'loop' || !node.data.nodeType ? sizeOf(node) : { width: WIDTH, height: HEIGHT }
      return {
        id: node.id,
        type: 'step',
        position: node.position,
        ...size,
        data: { change, type, inputs: ports(node.id, 'target'), outputs: ports(node.id, 'source') },
        selected: node.id === chosen,
        draggable: false,
        connectable: false,
        ...(node.parentId && known.has(node.parentId) ? { parentId: node.parentId } : {}),
      }
    })
    return drawn.sort((a, b) => (a.parentId ? 1 : 0) - (b.parentId ? 1 : 0))
  }, [found, edges, types, chosen])
  const changed = useMemo(() => found.steps.filter(({ kind }) => kind !== 'same').map(({ id }) => ({ id })), [found])
  const box = useRef<HTMLDivElement>(null)
  return (
    <ReactFlowProvider>
      <div ref={box} className="canvas diff-canvas" data-testid="diff-canvas">
        <ReactFlow
          nodes={nodes}
          edges={edges}
          nodeTypes={NODES}
          defaultEdgeOptions={LOOK}
          fitView={changed.length > 0}
          fitViewOptions={{ padding: 0.08, maxZoom: 1, minZoom: 0.45, nodes: changed }}
          onInit={(flow) => {
            if (changed.length || !box.current) return
            const { clientWidth, clientHeight } = box.current
            void flow.setViewport(
              fitted(
                found.steps.map(({ node }) => node),
                clientWidth,
                clientHeight,
              ),
            )
          }}
          minZoom={0.1}
          maxZoom={2}
          nodesConnectable={false}
          deleteKeyCode={null}
          onNodeClick={(_, node) => choose(node.id)}
          onSelectionChange={({ nodes: [one] }) => {
            if (one && one.id !== chosen) choose(one.id)
          }}
          onlyRenderVisibleElements={nodes.length > 150}
          aria-label={t('versions.canvas')}
        >
          <Background gap={20} size={1.2} />
        </ReactFlow>
      </div>
    </ReactFlowProvider>
  )
}

export function KindBadge({ kind, n }: { kind: Kind; n?: number }) {
  const Sign = SIGNS[kind]
  return (
    <span className="badge diff-badge" data-kind={kind}>
      <Sign size={12} aria-hidden="true" />
      {n === undefined ? t(`versions.kind.${kind}`) : t(`versions.count.${kind}`, { n })}
    </span>
  )
}
