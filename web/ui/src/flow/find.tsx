// Find a step by its name, its type or what is set in it; the canvas goes there.
import { useMemo, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import { Dialog } from '../kit/dialog'
import { Tile } from '../kit/tile'
import { t } from '../lib/text'
import { acts, focusStep } from './acts'
import { useFlowPage } from './context'
import { labelOf, typeOf } from './graph'
import type { Types } from './graph'
import { isGroup, isNote } from './notes'
import { select, useDoc } from './store'
import type { StepNode } from './store'
import { useUi } from './ui'

const SHOWN = 50
export function Find() {
  return useUi((state) => state.finding) ? <Open /> : null
}

/** How well a step answers: its name before its type before what is set in it. */
function rank(node: StepNode, types: Types, words: string[]): number {
  const name = labelOf(node).toLowerCase()
  const kind =
    `${typeOf(types, node)?.title ?? ''} ${node.data.nodeType ?? ''} ${String(node.data.text ?? '')}`.toLowerCase()
  const inner = () => JSON.stringify(node.data.config ?? {}).toLowerCase()
  return words.reduce(
    (sum, word) =>
      sum < 0
        ? sum
        : name.startsWith(word)
          ? sum + 8
          : name.includes(word)
            ? sum + 4
            : kind.includes(word)
              ? sum + 2
              : inner().includes(word)
                ? sum + 1
                : -1,
    0,
  )
}

/** The setting that answers, where neither name nor type does. */
function setting(node: StepNode, query: string): string {
  const word = query.toLowerCase().trim().split(/\s+/)[0]
  if (!word || `${labelOf(node)} ${node.data.nodeType ?? ''}`.toLowerCase().includes(word)) return ''
  const found = Object.entries(node.data.config ?? {}).find(([, value]) =>
    JSON.stringify(value)?.toLowerCase().includes(word),
  )
  return found ? `${found[0]}: ${typeof found[1] === 'string' ? found[1] : JSON.stringify(found[1])}`.slice(0, 90) : ''
}

function Open() {
  const { types } = useFlowPage()
  const nodes = useDoc((state) => state.nodes)
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLUListElement>(null)
  const close = () => useUi.setState({ finding: false })
  const found = useMemo(() => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean)
    return nodes
      .map((node) => ({ node, rank: rank(node, types, words) }))
      .filter((one) => one.rank >= (words.length ? 1 : 0))
      .sort((a, b) => b.rank - a.rank || a.node.position.x - b.node.position.x || a.node.position.y - b.node.position.y)
      .map(({ node }) => node)
  }, [nodes, types, query])
  const take = (node: StepNode | undefined) => {
    if (!node) return
    close()
    select([node.id])
    useUi.setState({ settings: true })
    acts.reveal(node.id)
    focusStep(node.id)
  }
  const key = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (move) {
      event.preventDefault()
      const next = Math.min(Math.min(SHOWN, found.length) - 1, Math.max(0, at + move))
      setAt(next)
      list.current?.children[next]?.scrollIntoView({ block: 'nearest' })
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      take(found[at])
    }
  }
  const title = t('flow.find')
  return (
    <Dialog title={title} size="palette" onClose={close} focus={input} plain>
      <input
        ref={input}
        className="palette-input"
        role="combobox"
        aria-label={title}
        aria-expanded="true"
        aria-controls="find-list"
        aria-activedescendant={found[at] ? `find-${at}` : undefined}
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
      {found.length === 0 && <p className="soft palette-none">{t('flow.find.none', { query })}</p>}
      <ul id="find-list" ref={list} role="listbox" aria-label={t('flow.steps')} className="palette-list" tabIndex={-1}>
        {found.slice(0, SHOWN).map((node, index) => {
          const type = typeOf(types, node)
          const kind = isNote(node)
            ? t('flow.note')
            : isGroup(node)
              ? t('flow.group')
              : (type?.title ?? node.data.nodeType)
          return (
            <li
              key={node.id}
              id={`find-${index}`}
              role="option"
              aria-selected={index === at}
              onMouseMove={() => setAt(index)}
              onClick={() => take(node)}
            >
              <Tile
                icon={type?.icon ?? (isNote(node) ? 'file-text' : 'box')}
                kind={type?.kind ?? 'logic'}
                title={kind}
                small
              />
              <span className="palette-text">
                <span>{labelOf(node)}</span>
                <span className="soft">{[kind, setting(node, query)].filter(Boolean).join(' · ')}</span>
              </span>
            </li>
          )
        })}
      </ul>
      {found.length > SHOWN && <p className="soft palette-none">{t('flow.find.more', { n: found.length - SHOWN })}</p>}
    </Dialog>
  )
}
