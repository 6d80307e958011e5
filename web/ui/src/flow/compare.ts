// What two canvases have different: steps of one side only, steps that both have but not alike. Pure.
import type { CanvasEdge, CanvasNode, Json } from '../api/types'
import { isStep, labelOf, portsOf } from './graph'
import type { Doc } from './graph'

export type Difference = { id: string; label: string; kind: 'mine' | 'theirs' | 'both'; parts: Part[] }
/** `name`, `place`, or a setting by its path. */
export type Part = { what: string; mine: string; theirs: string }

export function differences(mine: Doc, theirs: Doc): { steps: Difference[]; wires: { mine: number; theirs: number } } {
  const ours = new Map(mine.nodes.map((node) => [node.id, node]))
  const others = new Map(theirs.nodes.map((node) => [node.id, node]))
  const steps: Difference[] = []
  for (const node of mine.nodes) {
    const other = others.get(node.id)
    const parts = other ? partsOf(node, other) : []
    if (!other) steps.push({ id: node.id, label: nameOf(node), kind: 'mine', parts })
    else if (parts.length) steps.push({ id: node.id, label: nameOf(node), kind: 'both', parts })
  }
  for (const node of theirs.nodes) if (!ours.has(node.id)) steps.push({ id: node.id, label: nameOf(node), kind: 'theirs', parts: [] })
  const heavy = (one: Difference) => (one.parts.length > 0 && one.parts.every((part) => part.what === 'place') ? 1 : 0)
  return { steps: steps.sort((a, b) => heavy(a) - heavy(b)), wires: { mine: beyond(mine.edges, theirs.edges), theirs: beyond(theirs.edges, mine.edges) } }
}

const nameOf = (node: CanvasNode) => (isStep(node) ? labelOf(node) : String(node.data.label || node.data.text || '').slice(0, 40))
const said = (value: unknown) => (value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value))

function partsOf(mine: CanvasNode, theirs: CanvasNode): Part[] {
  const found: Part[] = []
  const put = (what: string, a: unknown, b: unknown) => { if (said(a) !== said(b)) found.push({ what, mine: said(a), theirs: said(b) }) }
  const { config: here = {}, label, ...rest } = mine.data
  const { config: there = {}, label: other, ...others } = theirs.data
  put('name', label, other)
  for (const key of new Set([...Object.keys(here), ...Object.keys(there)])) put(key, (here as Record<string, Json>)[key], (there as Record<string, Json>)[key])
  for (const key of new Set([...Object.keys(rest), ...Object.keys(others)])) put(key, rest[key], others[key])
  put('parent', mine.parentId, theirs.parentId)
  if (Math.abs(mine.position.x - theirs.position.x) + Math.abs(mine.position.y - theirs.position.y) > 1) {
    put('place', `${Math.round(mine.position.x)}, ${Math.round(mine.position.y)}`, `${Math.round(theirs.position.x)}, ${Math.round(theirs.position.y)}`)
  }
  return found
}

function beyond(some: readonly CanvasEdge[], others: readonly CanvasEdge[]): number {
  const key = (edge: CanvasEdge) => Object.values(portsOf(edge)).join('\n')
  const known = new Set(others.map(key))
  return some.filter((edge) => !known.has(key(edge))).length
}
