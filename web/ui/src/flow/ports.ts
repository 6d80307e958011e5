// Where the ports of a step are, told to React Flow: in a large flow only the steps in view are put on the page at all,
// instead of each of them once to be measured.
import { Position } from '@xyflow/react'
import type { NodeHandle } from '@xyflow/react'
import type { NodeType, Port } from '../api/types'
import type { Types } from './graph'
import { isStep } from './graph'
import { HEIGHT, WIDTH } from './nest'
import type { StepNode } from './store'

export const UNKNOWN_IN: Port[] = [{ name: 'in', title: 'Input', kind: 'data', many: true, required: false }]
export const UNKNOWN_OUT: Port[] = [{ name: 'out', title: 'Output', kind: 'data', many: false, required: false }]
export const shareOf = (index: number, count: number) => (index + 1) / (count + 1)
const SIZE = 11

function handlesOf(type: NodeType | undefined): NodeHandle[] {
  const side = (ports: Port[], input: boolean): NodeHandle[] =>
    ports.map((port, index) => ({
      id: port.name,
      type: input ? 'target' : 'source',
      position: input ? Position.Left : Position.Right,
      x: (input ? 0 : WIDTH) - SIZE / 2,
      y: shareOf(index, ports.length) * HEIGHT - SIZE / 2,
      width: SIZE,
      height: SIZE,
    }))
  return [...side(type?.inputs ?? UNKNOWN_IN, true), ...side(type?.outputs ?? UNKNOWN_OUT, false)]
}

/** Steps with the places of their ports; the same step gives the same answer. Loops measure themselves: their ports move. */
export function withPorts(types: Types) {
  const known = new WeakMap<StepNode, StepNode>()
  const byType = new Map<string, NodeHandle[]>()
  const handles = (id: string) => {
    const found = byType.get(id) ?? handlesOf(types.get(id))
    byType.set(id, found)
    return found
  }
  return (node: StepNode): StepNode => {
    if (!isStep(node) || types.get(node.data.nodeType)?.role === 'loop') return node
    const found = known.get(node) ?? {
      ...node,
      initialWidth: WIDTH,
      initialHeight: HEIGHT,
      handles: handles(node.data.nodeType),
    }
    known.set(node, found)
    return found
  }
}
