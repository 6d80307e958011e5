// The palette: search a step type and add it; fitting ones only where it was opened from a wire.
import { useMemo, useRef, useState } from 'react'
import type { KeyboardEvent, PointerEvent } from 'react'
import type { NodeType, Value } from '../api/types'
import { Dialog } from '../kit/dialog'
import { Tile } from '../kit/tile'
import { say } from '../kit/toasts'
import { initial } from '../lib/schema'
import { t } from '../lib/text'
import { acts, focusStep } from './acts'
import { useFlowPage } from './context'
import { nodeOf } from './lookup'
import { COLUMN, free, inputOf, insertOnEdge, makeStep, outputOf, refusal, wired } from './graph'
import { EMPTY, HEIGHT, WIDTH, absolute, addInside, fitLoops, levelOf, sizeOf } from './nest'
import type { Types, Wire } from './graph'
import { regrouped } from './notes'
import { change, select, selectedEdges, selectedIds, useDoc } from './store'
import { useUi } from './ui'
import type { Place } from './ui'

/** How well a type answers the question; 0 is not at all. */
function score(type: NodeType, words: string[]): number {
  const title = type.title.toLowerCase()
  const all = [title, type.id, type.summary, familyOf(type), ...type.tags].join(' ').toLowerCase()
  if (!words.every((word) => all.includes(word))) return 0
  return words.reduce((sum, word) => sum + (title.startsWith(word) ? 4 : title.includes(word) ? 2 : 1), 1)
}

const FAMILIES = ['trigger', 'source', 'transform', 'code', 'logic', 'ai', 'quality', 'sink']
const familyOf = (type: NodeType | undefined) => (type?.category === 'code' ? 'code' : (type?.kind ?? ''))

const fits = (type: NodeType, place: Place) =>
  place.inside
    ? Boolean(inputOf(type))
    : place.edge
      ? Boolean(inputOf(type) && outputOf(type))
      : place.from?.kind === 'source'
        ? Boolean(inputOf(type))
        : place.from
          ? Boolean(outputOf(type))
          : true

const DRAGGED = 8

/** Where `/` adds: into the selected wire, after the selected step, or in the middle. */
function placeOf(asked: Place): Place {
  if (asked.edge || asked.from || asked.inside) return asked
  const edges = selectedEdges()
  const nodes = selectedIds()
  if (edges.size === 1 && !nodes.size) return { edge: [...edges][0] as string }
  if (nodes.size !== 1) return asked
  return { from: { node: [...nodes][0] as string, port: '', kind: 'source' } }
}

export function Palette() {
  const asked = useUi((state) => state.palette)
  return asked ? <Open asked={asked} /> : null
}

function Open({ asked }: { asked: Place }) {
  const { types } = useFlowPage()
  const place = useMemo(() => {
    const found = placeOf(asked)
    if (!found.from || found.from.port) return found
    const node = nodeOf(useDoc.getState(), found.from?.node)
    const out = outputOf(node && types.get(node.data.nodeType))
    return out ? { ...found, from: { ...found.from, port: out.name } } : asked
  }, [asked, types])
  const strict = Boolean(asked.edge || asked.from || place.edge)
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLUListElement>(null)
  const close = () => useUi.setState({ palette: null })
  const [words, found, headOf] = useMemo(() => {
    const families = useDoc.getState().nodes.length ? [...FAMILIES.slice(1), 'trigger'] : FAMILIES
    const words = query.toLowerCase().split(/\s+/).filter(Boolean)
    const used = new Set(useDoc.getState().nodes.map((node) => node.data.nodeType))
    const group = (type: NodeType) => (used.has(type.id) ? -1 : families.indexOf(familyOf(type)))
    const ranked = [...types.values()]
      .map((type) => ({ type, rank: score(type, words) + (fits(type, place) ? 0.5 : 0) }))
      .filter(({ type, rank }) => rank >= 1 && (!strict || fits(type, place)))
      .sort((a, b) => b.rank - a.rank || a.type.title.localeCompare(b.type.title))
      .map(({ type }) => type)
    const heads = (type: NodeType | undefined) => (!type ? '' : used.has(type.id) ? 'used' : familyOf(type))
    return [
      words,
      words.length ? ranked : [...ranked].sort((a, b) => group(a) - group(b) || a.title.localeCompare(b.title)),
      heads,
    ] as const
  }, [types, query, place, strict])
  const take = (type: NodeType | undefined) => {
    if (type) {
      close()
      addStep(types, type, place)
    }
  }
  /** With the mouse a type can be dragged to where it shall stand. */
  const grab = (press: PointerEvent, type: string) => {
    if (press.pointerType !== 'mouse' || press.button !== 0) return
    const off = () => {
      removeEventListener('pointermove', moved)
      removeEventListener('pointerup', off)
    }
    const moved = (event: globalThis.PointerEvent) => {
      if (Math.hypot(event.clientX - press.clientX, event.clientY - press.clientY) < DRAGGED) return
      off()
      useUi.setState({ palette: null, ghost: { type, x: event.clientX, y: event.clientY } })
    }
    addEventListener('pointermove', moved)
    addEventListener('pointerup', off)
  }
  const key = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (move) {
      event.preventDefault()
      const next = Math.min(found.length - 1, Math.max(0, at + move))
      setAt(next)
      list.current?.querySelectorAll('[role=option]')[next]?.scrollIntoView({ block: 'nearest' })
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      take(found[at])
    }
  }
  const title = place.inside
    ? t('flow.palette.inside')
    : place.edge
      ? t('flow.palette.wire')
      : place.from
        ? t('flow.palette.after')
        : t('flow.command.add')
  return (
    <Dialog title={title} size="palette" onClose={close} focus={input} plain>
      <input
        ref={input}
        className="palette-input"
        role="combobox"
        aria-label={title}
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[at] ? `palette-${found[at].id}` : undefined}
        placeholder={`${title}…`}
        value={query}
        onChange={({ target }) => {
          setQuery(target.value)
          setAt(0)
        }}
        onKeyDown={key}
        autoComplete="off"
        spellCheck={false}
      />
      {found.length === 0 && <p className="soft palette-none">{t('flow.palette.none', { query })}</p>}
      <ul
        id="palette-list"
        ref={list}
        role="listbox"
        aria-label={t('flow.palette.types')}
        className="palette-list"
        tabIndex={-1}
      >
        {found.flatMap((type, index) => [
          !words.length && headOf(type) !== headOf(found[index - 1]) && (
            <li key={`family-${headOf(type)}`} role="presentation" className="palette-group">
              {headOf(type) === 'used' ? t('flow.palette.used') : t(`flow.family.${headOf(type)}`)}
            </li>
          ),
          <li
            key={type.id}
            id={`palette-${type.id}`}
            role="option"
            aria-selected={index === at}
            onMouseMove={() => setAt(index)}
            onClick={() => take(type)}
            onPointerDown={(event) => grab(event, type.id)}
          >
            <Tile icon={type.icon} kind={type.kind} title={type.title} small />
            <span className="palette-text">
              <span>{type.title}</span>
              <span className="soft">{type.summary}</span>
            </span>
            {(words.length > 0 || headOf(type) === 'used') && (
              <span className="soft palette-kind">{t(`flow.family.${familyOf(type)}`)}</span>
            )}
          </li>,
        ])}
      </ul>
    </Dialog>
  )
}

export function addStep(types: Types, type: NodeType, { inside, from, edge, at }: Place) {
  const doc = useDoc.getState()
  const origin = from && nodeOf(doc, from.node)
  const level = inside ?? (from ? levelOf(doc, types, from.node, from.port, from.kind) : '')
  const loop = type.role === 'loop'
  const size = loop ? EMPTY : { width: WIDTH, height: HEIGHT }
  const made = makeStep(doc, type, { x: 0, y: 0 }, (initial(type.schema) ?? {}) as Value)
  const step = { ...made, ...(loop ? size : {}), ...(level ? { parentId: level } : {}) }
  if (edge) change(insertOnEdge(doc, types, edge, step))
  else if (inside) change(addInside(doc, types, inside, step, COLUMN - WIDTH))
  else {
    const holder = nodeOf(doc, level)
    const corner = holder ? absolute(doc, holder) : { x: 0, y: 0 }
    const beside =
      origin && from && origin.id !== level
        ? {
            x:
              from.kind === 'source'
                ? origin.position.x + sizeOf(origin).width + COLUMN - WIDTH
                : origin.position.x - size.width - COLUMN + WIDTH,
            y: origin.position.y,
          }
        : undefined
    const wanted = at ? { x: at.x - corner.x, y: at.y - corner.y } : (beside ?? acts.center())
    const nodes = [...doc.nodes, { ...step, position: free(doc, wanted, level, size) }]
    const wire = from && wireOf(type, from, step.id)
    const reason = wire ? refusal({ nodes, edges: doc.edges }, types, wire) : ''
    const joined = new Map(origin ? [[step.id, origin.id]] : [])
    change(
      fitLoops(
        regrouped(
          doc,
          { nodes, edges: wire && !reason ? [...doc.edges, wired(wire)] : doc.edges },
          at ? new Map() : joined,
        ),
        types,
      ),
    )
    if (reason && at) say(reason, 'error')
  }
  select([step.id])
  useUi.setState({ settings: true })
  focusStep(step.id)
}

function wireOf(type: NodeType, from: NonNullable<Place['from']>, id: string): Wire | undefined {
  const port = from.kind === 'source' ? inputOf(type) : outputOf(type)
  if (!port) return undefined
  return from.kind === 'source'
    ? { source: from.node, sourceHandle: from.port, target: id, targetHandle: port.name }
    : { source: id, sourceHandle: port.name, target: from.node, targetHandle: from.port }
}
