// Go to anything, do anything: pages and commands by their words, flows and connections by name, an execution by its id.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Activity, Cable, Workflow } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import { useLocation } from 'wouter'
import { call } from '../api/call'
import { Dialog } from '../kit/dialog'
import { t } from '../lib/text'
import { keyWords, useCommands, useOverlay } from './commands'
import type { Command } from './commands'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const FEW = 6
type Found = { group: string; list: (Command & { text?: string })[] }
const close = () => useOverlay.setState({ open: '' })

export default function Palette() {
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const input = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLUListElement>(null)
  const groups = useFound(query.trim())
  const flat = groups.flatMap((group) => group.list)
  const chosen = Math.min(at, flat.length - 1)
  const take = (one: Command | undefined) => {
    if (one) {
      close()
      one.run()
    }
  }
  const press = (event: KeyboardEvent) => {
    const move = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (move && flat.length) {
      event.preventDefault()
      setAt((chosen + move + flat.length) % flat.length)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      take(flat[chosen])
    }
  }
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [chosen])
  return (
    <Dialog title={t('app.command.palette')} size="palette" plain focus={input} onClose={close}>
      <input
        ref={input}
        className="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls="go-list"
        aria-label={t('app.command.find')}
        placeholder={t('app.command.find')}
        aria-activedescendant={flat[chosen] ? `go-${flat[chosen].id}` : undefined}
        value={query}
        onChange={({ target }) => {
          setQuery(target.value)
          setAt(0)
        }}
        onKeyDown={press}
      />
      <ul ref={list} id="go-list" className="palette-list" role="listbox" aria-label={t('app.command.found')}>
        {groups.map(({ group, list: found }) => [
          <li key={group} className="palette-group" role="presentation">
            {group}
          </li>,
          ...found.map((one) => (
            <li
              key={one.id}
              id={`go-${one.id}`}
              role="option"
              aria-selected={one === flat[chosen]}
              onClick={() => take(one)}
            >
              <one.Icon size={17} aria-hidden="true" />
              <span className="palette-word">
                {one.word}
                {one.text && <span className="soft">{one.text}</span>}
              </span>
              {one.key && (
                <span className="palette-key">
                  {keyWords(one.key).map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </span>
              )}
            </li>
          )),
        ])}
      </ul>
      {!flat.length && <p className="soft pad">{t('app.command.none', { q: query })}</p>}
    </Dialog>
  )
}

function useFound(q: string): Found[] {
  const [, go] = useLocation()
  const commands = useCommands((state) => state.list)
  const asked = { query: { q, per_page: FEW } }
  const keep = { enabled: q.length > 0, placeholderData: keepPreviousData, retry: false }
  const flows = useQuery({ queryKey: ['flows', 'palette', q], queryFn: () => call('GET /flows', asked), ...keep })
  const connections = useQuery({
    queryKey: ['connections', 'palette', q],
    queryFn: () => call('GET /connections', asked),
    ...keep,
  })
  const words = q.toLowerCase().split(/\s+/)
  const fits = ({ word, also = '' }: Command) => words.every((one) => `${word} ${also}`.toLowerCase().includes(one))
  const shown = commands.filter((one) => one.id !== 'palette' && (!q || fits(one)))
  const link = (id: string, word: string, href: string, Icon: Command['Icon'], text = '') => ({
    id,
    word,
    Icon,
    text,
    run: () => go(href),
  })
  return [
    { group: t('app.command.execution'), list: UUID.test(q) ? [link(q, q, `/executions/${q}`, Activity)] : [] },
    {
      group: t('places.flows'),
      list: q
        ? (flows.data ?? []).map((one) => link(one.id, one.name, `/flows/${one.id}`, Workflow, one.description))
        : [],
    },
    {
      group: t('places.connections'),
      list: q
        ? (connections.data ?? []).map((one) => link(one.id, one.name, `/connections/${one.id}`, Cable, one.connector))
        : [],
    },
    { group: t('app.command.pages'), list: shown.filter((one) => one.id.startsWith('/')) },
    { group: t('app.command.commands'), list: shown.filter((one) => !one.id.startsWith('/')) },
  ].filter(({ list }) => list.length)
}
