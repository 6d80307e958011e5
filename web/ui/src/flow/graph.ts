// Pure acts on the canvas document: connect, refuse with a reason, copy, paste, insert, delete.
import type { CanvasEdge, CanvasNode, NodeType, Port } from '../api/types'
import { t } from '../lib/text'
import { nodeOf, wiresFrom, wiresInto } from './lookup'
import { regrouped, withMembers } from './notes'
import { HEIGHT, WIDTH, border, fitLoops, isLoop, levelOf, sizeOf, withInsides } from './nest'

export type Doc = { nodes: CanvasNode[]; edges: CanvasEdge[] }
export type Point = { x: number; y: number }
export type Types = ReadonlyMap<string, NodeType>
export type Wire = { source: string; target: string; sourceHandle: string | null; targetHandle: string | null }
export const COLUMN = 280
const FRAGMENT = 'headrace/steps'

export const isStep = (node: CanvasNode) => Boolean(node.data && 'nodeType' in node.data)
export const labelOf = (node: CanvasNode | undefined) => node?.data.label || node?.id || ''
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
export const downstream = (doc: Doc, from: string) =>
  reached(
    doc,
    from,
    (id) => wiresFrom(doc.edges, id),
    (edge) => edge.target,
  )
/** Steps that lead to a step on its level, itself first, then the nearest. */
export const upstream = (doc: Doc, from: string) =>
  reached(
    doc,
    from,
    (id) => wiresInto(doc.edges, id),
    (edge) => edge.source,
  )

function reached(
  doc: Doc,
  from: string,
  wires: (id: string) => CanvasEdge[],
  end: (edge: CanvasEdge) => string,
): Set<string> {
  const found = new Set([from])
  const waiting = [from]
  while (waiting.length) {
    for (const edge of wires(waiting.pop() as string)) {
      const next = end(edge)
      if (!found.has(next) && !border(doc, portsOf(edge))) {
        found.add(next)
        waiting.push(next)
      }
    }
  }
  return found
}

/** Whether one step leads to another; the answer for one `to` is kept while the document stays the same. */
let above = { nodes: [] as CanvasNode[], edges: [] as CanvasEdge[], to: '', found: new Set<string>() }
function leads(doc: Doc, from: string, to: string): boolean {
  if (above.nodes !== doc.nodes || above.edges !== doc.edges || above.to !== to)
    above = { ...doc, to, found: upstream(doc, to) }
  return above.found.has(from)
}

/** Why a wire is not allowed; '' when it is. */
export function refusal(doc: Doc, types: Types, wire: Wire): string {
  const source = nodeOf(doc, wire.source)
  const target = nodeOf(doc, wire.target)
  if (!source || !target || !isStep(source) || !isStep(target)) return t('flow.wire.two')
  if (source === target) return t('flow.wire.itself')
  const to = labelOf(target)
  const out = port(typeOf(types, source)?.outputs, wire.sourceHandle ?? 'out')
  const into = port(typeOf(types, target)?.inputs, wire.targetHandle ?? 'in')
  if (types.has(target.data.nodeType) && !into) return t('flow.wire.noInput', { to })
  if (types.has(source.data.nodeType) && !out)
    return t('flow.wire.noOutput', { from: labelOf(source), port: wire.sourceHandle ?? 'out' })
  if (out?.kind === 'control' && into && into.kind !== 'control')
    return t('flow.wire.order', { out: out.title, into: into.title, to })
  const across = crossing(doc, types, wire)
  if (across) return across
  if (!border(doc, wire) && leads(doc, wire.target, wire.source))
    return t('flow.wire.cycle', { to, from: labelOf(source) })
  const there = wiresInto(doc.edges, wire.target).filter(
    (edge) => (edge.targetHandle ?? 'in') === (wire.targetHandle ?? 'in'),
  )
  if (
    there.some((edge) => edge.source === wire.source && (edge.sourceHandle ?? 'out') === (wire.sourceHandle ?? 'out'))
  )
    return t('flow.wire.already')
  if (into && !into.many && there.length) return t('flow.wire.full', { into: into.title, to })
  return ''
}

/** Rows get into a loop by its item, and out by its result; nothing else crosses its border. */
function crossing(doc: Doc, types: Types, wire: Wire): string {
  const from = levelOf(doc, types, wire.source, wire.sourceHandle ?? 'out', 'source')
  const to = levelOf(doc, types, wire.target, wire.targetHandle ?? 'in', 'target')
  if (from === to) return ''
  const name = (id: string) => labelOf(nodeOf(doc, id))
  if (wire.source === from) return t('flow.wire.item', { loop: name(from), step: name(wire.target) })
  if (wire.target === to && isLoop(types, nodeOf(doc, to)))
    return t('flow.wire.result', { loop: name(to), step: name(wire.source) })
  return t('flow.wire.border', { loop: name(to || from) })
}

export const portsOf = (edge: CanvasEdge): Wire => ({
  source: edge.source,
  target: edge.target,
  sourceHandle: edge.sourceHandle ?? 'out',
  targetHandle: edge.targetHandle ?? 'in',
})
const port = (ports: Port[] | undefined, name: string) => ports?.find((one) => one.name === name)

/** The inputs of a step that a wire from here may reach, or the reasons why not. */
export function targets(doc: Doc, types: Types, source: string, sourceHandle: string) {
  return doc.nodes
    .filter((node) => isStep(node) && node.id !== source)
    .flatMap((node) =>
      (typeOf(types, node)?.inputs ?? []).map((input) => {
        const wire: Wire = { source, sourceHandle, target: node.id, targetHandle: input.name }
        return { node, input, wire, reason: refusal(doc, types, wire) }
      }),
    )
}

export const wired = (wire: Wire): CanvasEdge => ({ id: newId().replace('n_', 'e_'), ...wire })
export const outputOf = (type: NodeType | undefined) =>
  type?.outputs.find((one) => one.kind === 'data' && !(type.role === 'loop' && one.name === 'item'))
export const inputOf = (type: NodeType | undefined) =>
  type?.inputs.find((one) => one.kind === 'data' && !(type.role === 'loop' && one.name === 'result'))

export function makeStep(
  doc: Doc,
  type: NodeType,
  position: { x: number; y: number },
  config: CanvasNode['data']['config'],
): CanvasNode {
  const label = uniqueName(type.title, new Set(doc.nodes.map(labelOf)))
  return { id: newId(), type: 'step', position, data: { nodeType: type.id, nodeVersion: type.version, label, config } }
}

/** A place near the wanted one that no other step of the level covers. */
export function free(
  doc: Doc,
  wanted: { x: number; y: number },
  level = '',
  size = { width: WIDTH, height: HEIGHT },
): { x: number; y: number } {
  const at = { x: Math.round(wanted.x), y: Math.round(wanted.y) }
  const near = doc.nodes
    .filter((node) => isStep(node) && (node.parentId ?? '') === level)
    .map((node) => ({ ...node.position, ...sizeOf(node) }))
  const hit = () =>
    near.some(
      (one) =>
        one.x < at.x + size.width
        && at.x < one.x + one.width
        && one.y < at.y + size.height + 20
        && at.y < one.y + one.height + 20,
    )
  while (hit()) at.y += HEIGHT + 34
  return at
}

/** A step put into a wire; what comes after moves aside where it is too close. */
export function insertOnEdge(doc: Doc, types: Types, edgeId: string, step: CanvasNode): Doc {
  const edge = doc.edges.find((one) => one.id === edgeId)
  const type = typeOf(types, step)
  const source = nodeOf(doc, edge?.source)
  const target = nodeOf(doc, edge?.target)
  const into = inputOf(type)
  const out = outputOf(type)
  if (!edge || !source || !target || !into || !out) return doc
  const way = border(doc, portsOf(edge))
  const level = way === 'enters' ? source.id : (source.parentId ?? '')
  const gap = COLUMN - WIDTH
  const from =
    way === 'enters'
      ? { x: target.position.x - COLUMN, y: target.position.y, width: WIDTH }
      : { ...source.position, ...sizeOf(source) }
  const to = way === 'leaves' ? { x: from.x + from.width + COLUMN + gap, y: from.y } : target.position
  const next = way === 'enters' ? target.position.x : from.x + from.width + gap
  const position = { x: next, y: Math.round((from.y + to.y) / 2) }
  const wide = sizeOf(step).width
  const push = way === 'leaves' ? 0 : Math.max(0, next + wide + gap - to.x)
  const after = push ? downstream(doc, target.id) : new Set<string>()
  const nodes = doc.nodes.map((node) =>
    after.has(node.id) ? { ...node, position: { x: node.position.x + push, y: node.position.y } } : node,
  )
  const edges = doc.edges.filter((one) => one !== edge)
  edges.push(
    wired({ source: edge.source, sourceHandle: edge.sourceHandle ?? 'out', target: step.id, targetHandle: into.name }),
    wired({ source: step.id, sourceHandle: out.name, target: edge.target, targetHandle: edge.targetHandle ?? 'in' }),
  )
  const placed = {
    ...step,
    ...(level ? { parentId: level } : {}),
    position: free({ nodes, edges }, position, level, sizeOf(step)),
  }
  return fitLoops(regrouped(doc, { nodes: [...nodes, placed], edges }, new Map([[placed.id, source.id]])), types)
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
      const wire = {
        source: only.source,
        sourceHandle: only.sourceHandle ?? 'out',
        target,
        targetHandle: targetHandle ?? 'in',
      }
      if (!refusal({ nodes, edges }, types, wire)) edges = [...edges, wired(wire)]
    }
  }
  return { nodes, edges }
}

/** Selected steps and the wires among them, as text for the clipboard. */
export function copied(doc: Doc, ids: Set<string>): string {
  const all = withInsides(doc, withMembers(doc, ids))
  const nodes = doc.nodes.filter((node) => all.has(node.id))
  const edges = doc.edges.filter((edge) => all.has(edge.source) && all.has(edge.target))
  return JSON.stringify({ format: FRAGMENT, nodes: nodes.map(bare), edges }, null, 1)
}

/** What text from the clipboard adds: new ids, unique names, inner wires kept. Null when it is something else. */
export function pasted(doc: Doc, types: Types, text: string, shift: Point, center: Point): Doc | null {
  const given = parsed(text)
  if (!given?.nodes.length) return null
  const ids = new Map(given.nodes.map((node) => [node.id, newId()]))
  const taken = new Set(doc.nodes.map(labelOf))
  const ours = given.nodes.some((node) => nodeOf(doc, node.id))
  const outer = given.nodes.filter((node) => !ids.has(node.parentId ?? ''))
  const corner = {
    x: Math.min(...outer.map((node) => node.position.x)),
    y: Math.min(...outer.map((node) => node.position.y)),
  }
  const by = ours ? shift : { x: center.x - corner.x, y: center.y - corner.y }
  const named = (node: CanvasNode) => {
    if (!isStep(node)) return structuredClone(node.data)
    const label = uniqueName(labelOf(node), taken)
    taken.add(label)
    return { ...structuredClone(node.data), label }
  }
  const nodes = given.nodes.map((node) => {
    const inside = node.parentId ? ids.get(node.parentId) : undefined
    const there = !inside && isLoop(types, nodeOf(doc, node.parentId)) ? node.parentId : undefined
    const position = inside
      ? node.position
      : { x: Math.round(node.position.x + by.x), y: Math.round(node.position.y + by.y) }
    return {
      ...structuredClone(bare(node)),
      id: ids.get(node.id) as string,
      parentId: inside ?? there,
      position,
      data: named(node),
    }
  })
  const edges = given.edges.flatMap((edge) => {
    const source = ids.get(edge.source)
    const target = ids.get(edge.target)
    return source && target
      ? [
          {
            ...edge,
            ...wired({
              source,
              target,
              sourceHandle: edge.sourceHandle ?? null,
              targetHandle: edge.targetHandle ?? null,
            }),
          },
        ]
      : []
  })
  return { nodes, edges }
}

function parsed(text: string): Doc | null {
  try {
    const found = JSON.parse(text) as Doc & { format?: string }
    const sound = found.format === FRAGMENT && Array.isArray(found.nodes) && Array.isArray(found.edges)
    return sound
      && found.nodes.every((node) => typeof node.id === 'string' && node.data && Number.isFinite(node.position?.x))
      ? found
      : null
  } catch {
    return null
  }
}

const PASSING = [
  'handles',
  'initialWidth',
  'initialHeight',
  'selected',
  'dragging',
  'measured',
  'resizing',
  'internals',
  'ariaLabel',
] as const
/** A node or an edge without what only the screen needs. */
export function bare<T extends object>(thing: T): T {
  const kept = { ...thing } as Record<string, unknown>
  PASSING.forEach((key) => delete kept[key])
  return kept as T
}
