// Pure acts on the canvas document: connect, refuse with a reason, copy, paste, insert, delete.
import type { CanvasEdge, CanvasNode, NodeType, Port } from '../api/types'
import { HEIGHT, WIDTH, border, fitLoops, isLoop, levelOf, sizeOf, withInsides } from './nest'

export type Doc = { nodes: CanvasNode[]; edges: CanvasEdge[] }
export type Types = ReadonlyMap<string, NodeType>
export type Wire = { source: string; target: string; sourceHandle: string | null; targetHandle: string | null }
export const COLUMN = 280
const FRAGMENT = 'headrace/steps'

export const isStep = (node: CanvasNode) => Boolean(node.data && 'nodeType' in node.data)
const labelOf = (node: CanvasNode | undefined) => node?.data.label || node?.id || 'a step'
export const typeOf = (types: Types, node: CanvasNode | undefined) => (node ? types.get(node.data.nodeType) : undefined)

export function newId(): string {
  return `n_${crypto.getRandomValues(new Uint32Array(2)).reduce((text, part) => text + part.toString(36).padStart(7, '0'), '')}`
}

export function uniqueName(wanted: string, taken: Set<string>): string {
  if (!taken.has(wanted)) return wanted
  const stem = wanted.replace(/ \d+$/, '')
  let number = 2
  while (taken.has(`${stem} ${number}`)) number += 1
  return `${stem} ${number}`
}

/** Steps that a step leads to on its level, itself among them; what a loop gives to its inside is no way on. */
export function downstream(doc: Doc, from: string): Set<string> {
  const next = new Map<string, string[]>()
  doc.edges.filter((edge) => !border(doc, portsOf(edge))).forEach((edge) => next.set(edge.source, [...(next.get(edge.source) ?? []), edge.target]))
  const found = new Set([from])
  const waiting = [from]
  while (waiting.length) {
    for (const id of next.get(waiting.pop() as string) ?? []) {
      if (!found.has(id)) { found.add(id); waiting.push(id) }
    }
  }
  return found
}

/** Why a wire is not allowed; '' when it is. */
export function refusal(doc: Doc, types: Types, wire: Wire): string {
  const source = doc.nodes.find((node) => node.id === wire.source)
  const target = doc.nodes.find((node) => node.id === wire.target)
  if (!source || !target) return 'A wire joins two steps.'
  if (source === target) return 'A step cannot feed itself.'
  const out = port(typeOf(types, source)?.outputs, wire.sourceHandle ?? 'out')
  const into = port(typeOf(types, target)?.inputs, wire.targetHandle ?? 'in')
  if (types.has(target.data.nodeType) && !into) return `“${labelOf(target)}” has no input to connect to.`
  if (types.has(source.data.nodeType) && !out) return `“${labelOf(source)}” has no output “${wire.sourceHandle}”.`
  if (out && into && (out.kind === 'control') !== (into.kind === 'control')) {
    return `“${out.title}” carries ${words(out)}, “${into.title}” of “${labelOf(target)}” takes ${words(into)}.`
  }
  const across = crossing(doc, types, wire)
  if (across) return across
  if (!border(doc, wire) && downstream(doc, wire.target).has(wire.source)) {
    return `That would make a cycle: “${labelOf(target)}” already leads to “${labelOf(source)}”.`
  }
  const there = doc.edges.filter((edge) => edge.target === wire.target && (edge.targetHandle ?? 'in') === (wire.targetHandle ?? 'in'))
  if (there.some((edge) => edge.source === wire.source && (edge.sourceHandle ?? 'out') === (wire.sourceHandle ?? 'out'))) {
    return 'These two are connected already.'
  }
  if (into && !into.many && there.length) return `“${into.title}” of “${labelOf(target)}” takes one wire; put a Union step before it.`
  return ''
}

/** Rows get into a loop by its item, and out by its result; nothing else crosses its border. */
function crossing(doc: Doc, types: Types, wire: Wire): string {
  const from = levelOf(doc, types, wire.source, wire.sourceHandle ?? 'out', 'source')
  const to = levelOf(doc, types, wire.target, wire.targetHandle ?? 'in', 'target')
  if (from === to) return ''
  const name = (id: string) => `“${labelOf(doc.nodes.find((node) => node.id === id))}”`
  const loop = doc.nodes.find((node) => node.id === (to || from))
  if (wire.source === from) return `“Item” of ${name(from)} feeds the steps inside; move ${name(wire.target)} into it first.`
  if (wire.target === to && isLoop(types, doc.nodes.find((node) => node.id === to))) return `The result of ${name(to)} comes from the steps inside; move ${name(wire.source)} into it first.`
  return `That wire would cross the border of ${name(loop?.id ?? '')}: rows get in by its Item and out by its Result.`
}

export const portsOf = (edge: CanvasEdge): Wire => ({ source: edge.source, target: edge.target, sourceHandle: edge.sourceHandle ?? 'out', targetHandle: edge.targetHandle ?? 'in' })
const port = (ports: Port[] | undefined, name: string) => ports?.find((one) => one.name === name)
const words = (one: Port) => (one.kind === 'control' ? 'only the order of steps' : 'rows')

/** The inputs of a step that a wire from here may reach, or the reasons why not. */
export function targets(doc: Doc, types: Types, source: string, sourceHandle: string) {
  return doc.nodes.filter((node) => isStep(node) && node.id !== source).flatMap((node) =>
    (typeOf(types, node)?.inputs ?? []).map((input) => {
      const wire: Wire = { source, sourceHandle, target: node.id, targetHandle: input.name }
      return { node, input, wire, reason: refusal(doc, types, wire) }
    }))
}

export const wired = (wire: Wire): CanvasEdge => ({ id: newId().replace('n_', 'e_'), ...wire })
export const outputOf = (type: NodeType | undefined) => type?.outputs.find((one) => one.kind === 'data' && !(type.role === 'loop' && one.name === 'item'))
export const inputOf = (type: NodeType | undefined) => type?.inputs.find((one) => one.kind === 'data' && !(type.role === 'loop' && one.name === 'result'))

export function makeStep(doc: Doc, type: NodeType, position: { x: number; y: number }, config: CanvasNode['data']['config']): CanvasNode {
  const taken = new Set(doc.nodes.map(labelOf))
  const label = uniqueName(type.title, taken)
  return { id: newId(), type: 'step', position, data: { nodeType: type.id, nodeVersion: type.version, label, config } }
}

/** A place near the wanted one that no other step of the level covers. */
export function free(doc: Doc, wanted: { x: number; y: number }, level = '', size = { width: WIDTH, height: HEIGHT }): { x: number; y: number } {
  const at = { x: Math.round(wanted.x), y: Math.round(wanted.y) }
  const near = doc.nodes.filter((node) => (node.parentId ?? '') === level).map((node) => ({ ...node.position, ...sizeOf(node) }))
  const hit = () => near.some((one) => one.x < at.x + size.width && at.x < one.x + one.width && one.y < at.y + size.height + 20 && at.y < one.y + one.height + 20)
  while (hit()) at.y += HEIGHT + 34
  return at
}

/** A step put into a wire; what comes after moves aside where it is too close. */
export function insertOnEdge(doc: Doc, types: Types, edgeId: string, step: CanvasNode): Doc {
  const edge = doc.edges.find((one) => one.id === edgeId)
  const type = typeOf(types, step)
  const source = doc.nodes.find((node) => node.id === edge?.source)
  const target = doc.nodes.find((node) => node.id === edge?.target)
  const into = inputOf(type)
  const out = outputOf(type)
  if (!edge || !source || !target || !into || !out) return doc
  const way = border(doc, portsOf(edge))
  const level = way === 'enters' ? source.id : (source.parentId ?? '')
  const gap = COLUMN - WIDTH
  const from = way === 'enters' ? { x: target.position.x - COLUMN, y: target.position.y, width: WIDTH } : { ...source.position, ...sizeOf(source) }
  const to = way === 'leaves' ? { x: from.x + from.width + COLUMN + gap, y: from.y } : target.position
  const next = way === 'enters' ? target.position.x : from.x + from.width + gap
  const position = { x: next, y: Math.round((from.y + to.y) / 2) }
  const wide = sizeOf(step).width
  const push = way === 'leaves' ? 0 : Math.max(0, next + wide + gap - to.x)
  const after = push ? downstream(doc, target.id) : new Set<string>()
  const nodes = doc.nodes.map((node) =>
    after.has(node.id) ? { ...node, position: { x: node.position.x + push, y: node.position.y } } : node)
  const edges = doc.edges.filter((one) => one !== edge)
  edges.push(
    wired({ source: edge.source, sourceHandle: edge.sourceHandle ?? 'out', target: step.id, targetHandle: into.name }),
    wired({ source: step.id, sourceHandle: out.name, target: edge.target, targetHandle: edge.targetHandle ?? 'in' }),
  )
  const placed = { ...step, ...(level ? { parentId: level } : {}), position: free({ nodes, edges }, position, level, sizeOf(step)) }
  return fitLoops({ nodes: [...nodes, placed], edges }, types)
}

/** Without these steps and wires; a step in the middle of a chain leaves its ends connected. */
export function without(doc: Doc, types: Types, nodeIds: Set<string>, edgeIds: Set<string>): Doc {
  let { nodes } = doc
  const gone = withInsides(doc, nodeIds)
  let edges = doc.edges.filter((edge) => !edgeIds.has(edge.id))
  for (const id of [...gone].reverse()) {
    const before = edges.filter((edge) => edge.target === id)
    const after = edges.filter((edge) => edge.source === id)
    nodes = nodes.filter((node) => node.id !== id)
    edges = edges.filter((edge) => edge.target !== id && edge.source !== id)
    const only = before[0]
    if (before.length !== 1 || !only) continue
    for (const { target, targetHandle } of after) {
      const wire = { source: only.source, sourceHandle: only.sourceHandle ?? 'out', target, targetHandle: targetHandle ?? 'in' }
      if (!refusal({ nodes, edges }, types, wire)) edges = [...edges, wired(wire)]
    }
  }
  return { nodes, edges }
}

/** Selected steps and the wires among them, as text for the clipboard. */
export function copied(doc: Doc, ids: Set<string>): string {
  const all = withInsides(doc, ids)
  const nodes = doc.nodes.filter((node) => all.has(node.id))
  const edges = doc.edges.filter((edge) => all.has(edge.source) && all.has(edge.target))
  return JSON.stringify({ format: FRAGMENT, nodes: nodes.map(bare), edges }, null, 1)
}

/** What text from the clipboard adds: new ids, unique names, inner wires kept. Null when it is something else. */
export function pasted(doc: Doc, types: Types, text: string, shift: { x: number; y: number }): Doc | null {
  const given = parsed(text)
  if (!given) return null
  const ids = new Map(given.nodes.map((node) => [node.id, newId()]))
  const taken = new Set(doc.nodes.map(labelOf))
  const nodes = given.nodes.map((node) => {
    const label = uniqueName(labelOf(node), taken)
    taken.add(label)
    const inside = node.parentId ? ids.get(node.parentId) : undefined
    const there = !inside && isLoop(types, doc.nodes.find((one) => one.id === node.parentId)) ? node.parentId : undefined
    const position = inside ? node.position : { x: node.position.x + shift.x, y: node.position.y + shift.y }
    return { ...structuredClone(node), id: ids.get(node.id) as string, parentId: inside ?? there, position, data: { ...structuredClone(node.data), label } }
  })
  const edges = given.edges.flatMap((edge) => {
    const source = ids.get(edge.source)
    const target = ids.get(edge.target)
    return source && target ? [{ ...edge, ...wired({ source, target, sourceHandle: edge.sourceHandle ?? null, targetHandle: edge.targetHandle ?? null }) }] : []
  })
  return { nodes, edges }
}

function parsed(text: string): Doc | null {
  try {
    const found = JSON.parse(text) as Doc & { format?: string }
    const sound = found.format === FRAGMENT && Array.isArray(found.nodes) && Array.isArray(found.edges)
    return sound && found.nodes.every((node) => typeof node.id === 'string' && node.data && Number.isFinite(node.position?.x)) ? found : null
  } catch {
    return null
  }
}

const PASSING = ['selected', 'dragging', 'measured', 'resizing', 'internals', 'ariaLabel'] as const
/** A node or an edge without what only the screen needs. */
export function bare<T extends object>(thing: T): T {
  const kept = { ...thing } as Record<string, unknown>
  PASSING.forEach((key) => delete kept[key])
  return kept as T
}
