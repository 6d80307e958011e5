// Connect by keyboard: from the selected step to an input of another, with the reason where that is not allowed.
import { useMemo, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import { Dialog } from '../kit/dialog'
import { Tile } from '../kit/tile'
import { say } from '../kit/toasts'
import { t } from '../lib/text'
import { focusStep } from './acts'
import { useFlowPage } from './context'
import { nodeOf } from './lookup'
import { outputOf, targets, typeOf } from './graph'
import { connect, useDoc } from './store'
import { useUi } from './ui'

export function Connect() {
  const from = useUi((state) => state.connecting)
  return from ? <Open from={from} /> : null
}

function Open({ from }: { from: string }) {
  const { types } = useFlowPage()
  const nodes = useDoc((state) => state.nodes)
  const edges = useDoc((state) => state.edges)
  const node = nodeOf({ nodes }, from)
  const outputs = typeOf(types, node)?.outputs ?? []
  const [port, setPort] = useState((outputOf(typeOf(types, node)) ?? outputs[0])?.name ?? 'out')
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const close = () => useUi.setState({ connecting: null })
  const found = useMemo(
    () =>
      targets({ nodes, edges }, types, from, port)
        .filter((one) => `${one.node.data.label} ${one.input.title}`.toLowerCase().includes(query.toLowerCase()))
        .sort((a, b) => Number(Boolean(a.reason)) - Number(Boolean(b.reason))),
    [nodes, edges, types, from, port, query],
  )
  const take = (one: (typeof found)[number] | undefined) => {
    if (!one) return
    const reason = connect(types, one.wire)
    if (reason) return say(reason, 'error')
    say(t('flow.connect.done', { from: node?.data.label ?? from, to: one.node.data.label }), 'ok')
    close()
    focusStep(from)
  }
  const key = (event: KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (move) {
      event.preventDefault()
      setAt(Math.min(found.length - 1, Math.max(0, at + move)))
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      take(found[at])
    }
  }
  const title = t('flow.connect.to', { from: node?.data.label || from })
  return (
    <Dialog title={title} size="palette" onClose={close} focus={input} plain>
      <input
        ref={input}
        className="palette-input"
        role="combobox"
        aria-label={title}
        aria-expanded="true"
        aria-controls="connect-list"
        aria-activedescendant={found[at] ? `connect-${at}` : undefined}
        placeholder={title}
        value={query}
        onChange={({ target }) => {
          setQuery(target.value)
          setAt(0)
        }}
        onKeyDown={key}
        autoComplete="off"
      />
      {outputs.length > 1 && (
        <div className="segmented palette-ports" role="radiogroup" aria-label={t('flow.output')}>
          {outputs.map((one) => (
            <label key={one.name}>
              <input
                type="radio"
                name="connect-port"
                checked={one.name === port}
                onChange={() => {
                  setPort(one.name)
                  setAt(0)
                }}
              />
              <span>{one.title}</span>
            </label>
          ))}
        </div>
      )}
      {found.length === 0 && (
        <p className="soft palette-none">{t(outputs.length ? 'flow.connect.none' : 'flow.connect.noOutput')}</p>
      )}
      <ul id="connect-list" role="listbox" aria-label={t('flow.inputs')} className="palette-list" tabIndex={-1}>
        {found.map((one, index) => {
          const type = typeOf(types, one.node)
          return (
            <li
              key={`${one.node.id}.${one.input.name}`}
              id={`connect-${index}`}
              role="option"
              aria-selected={index === at}
              aria-disabled={Boolean(one.reason) || undefined}
              onMouseMove={() => setAt(index)}
              onClick={() => take(one)}
            >
              <Tile icon={type?.icon ?? ''} kind={type?.kind ?? 'logic'} title={type?.title ?? '?'} small />
              <span className="palette-text">
                <span>{one.node.data.label || one.node.id}</span>
                <span className="soft">{one.reason || type?.title}</span>
              </span>
              <span className="soft palette-kind">{one.input.title}</span>
            </li>
          )
        })}
      </ul>
    </Dialog>
  )
}
