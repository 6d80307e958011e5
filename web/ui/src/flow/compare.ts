// Two canvases of one flow that meet: what they have different, step by step, and the one made of both. Pure.
import type { CanvasEdge, CanvasNode, Json } from '../api/types'
import { difference, wireOf } from './diff'
import { isStep, labelOf } from './graph'
import type { Doc } from './graph'

export type Difference = { id: string; label: string; kind: 'mine' | 'theirs' | 'both'; parts: Part[] }
/** `name`, or a setting by its path. */
export type Part = { what: string; mine: string; theirs: string }

const KINDS = { added: 'mine', removed: 'theirs', changed: 'both' } as const
const nameOf = (node: CanvasNode) => (isStep(node) ? labelOf(node) : String(node.data.label || node.data.text || '').slice(0, 40))
const said = (value: Json | undefined) => (value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value))
const partOf = (path: string) => (path === 'label' ? 'name' : path.replace(/^config\./, ''))

export function differences(mine: Doc, theirs: Doc): { steps: Difference[]; wires: { mine: number; theirs: number } } {
  const { steps, wires } = difference(theirs, mine)
  const listed = steps.flatMap(({ id, kind, node, settings }): Difference[] => (kind === 'same' ? [] : [{
    id, label: nameOf(node), kind: KINDS[kind], parts: settings.map(({ path, before, after }) => ({ what: partOf(path), mine: said(after), theirs: said(before) })),
  }]))
  const count = (kind: string) => wires.filter((one) => one.kind === kind).length
  return { steps: listed, wires: { mine: count('added'), theirs: count('removed') } }
}

/** Mine, but these steps as they have them, with the wires that they have there. */
export function taken<N extends CanvasNode, E extends CanvasEdge>(mine: { nodes: N[]; edges: E[] }, theirs: Doc, ids: ReadonlySet<string>): { nodes: N[]; edges: E[] } {
  const others = new Map(theirs.nodes.map((node) => [node.id, node as N]))
  const known = new Set(mine.nodes.map((node) => node.id))
  const kept = mine.nodes.flatMap((node) => (ids.has(node.id) ? [others.get(node.id)].filter((one) => one !== undefined) : [node]))
  const nodes = [...kept, ...[...others.values()].filter((node) => ids.has(node.id) && !known.has(node.id))]
  const there = new Set(nodes.map((node) => node.id))
  const whole = ({ source, target }: CanvasEdge) => there.has(source) && there.has(target)
  const touched = ({ source, target }: CanvasEdge) => ids.has(source) || ids.has(target)
  const wanted = new Set(theirs.edges.map(wireOf))
  const edges = mine.edges.filter((edge) => whole(edge) && (!touched(edge) || wanted.has(wireOf(edge))))
  const held = new Set(edges.map(wireOf))
  return { nodes, edges: [...edges, ...(theirs.edges as E[]).filter((edge) => whole(edge) && touched(edge) && !held.has(wireOf(edge)))] }
}
