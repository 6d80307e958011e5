// What a connection reaches: its streams as a tree, the columns of one, and its first rows.
import { useQuery } from '@tanstack/react-query'
import { ChevronRight, FileText, KeyRound, RefreshCw, Table2, TimerReset } from 'lucide-react'
import { useMemo, useState } from 'react'
import { call } from '../../api/call'
import type { Column, Rows } from '../../api/types'
import { useAsked } from '../../kit/address'
import { Empty, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { RowsGrid } from '../../kit/rows-grid'
import { count } from '../../lib/format'
import { t } from '../../lib/text'

export type Stream = {
  name: string
  columns: (Column & { nullable?: boolean })[]
  primary_key: string[]
  cursors: string[]
  rows: number | null
  warnings: string[]
}

const PREVIEW_ROWS = 500
const FIRST = 300

/** By folder, or by the schema before the first dot; names without one are one group without a name. */
function grouped(streams: Stream[], files: boolean): [string, Stream[]][] {
  const groups = new Map<string, Stream[]>()
  for (const one of streams) {
    const cut = Math.max(one.name.lastIndexOf('/'), files ? -1 : one.name.indexOf('.'))
    const group = cut < 0 ? '' : one.name.slice(0, cut)
    groups.set(group, [...(groups.get(group) ?? []), one])
  }
  return [...groups].sort(([a], [b]) => a.localeCompare(b))
}

export function Data({ id, files }: { id: string; files: boolean }) {
  const [q, setQ] = useState('')
  const [open, setOpen] = useAsked('stream')
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ['connection', id, 'streams'],
    retry: false,
    staleTime: 60_000,
    queryFn: () =>
      call('GET /connections/{connection_id}/schema', { path: { connection_id: id } }) as Promise<unknown> as Promise<
        Stream[]
      >,
  })
  const found = useMemo(
    () =>
      data?.filter((one) =>
        `${one.name} ${one.columns.map(({ name }) => name).join(' ')}`.toLowerCase().includes(q.toLowerCase()),
      ) ?? [],
    [data, q],
  )
  const chosen = data?.find((one) => one.name === open)
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('connections.streams')} />
  if (!data.length)
    return (
      <Empty title={t('connections.noStreams')} text={t('connections.noStreams.why')}>
        <button type="button" className="button" onClick={() => void refetch()}>
          {t('connections.look')}
        </button>
      </Empty>
    )
  return (
    <div className="explorer" data-one={Boolean(chosen) || undefined}>
      <section className="card explorer-list" aria-label={t('connections.streams')}>
        <div className="explorer-head">
          <SearchBox label={t('connections.searchStreams')} value={q} onChange={setQ} />
          <button
            type="button"
            className="icon-button"
            aria-label={t('connections.look')}
            title={t('connections.look')}
            disabled={isFetching}
            onClick={() => void refetch()}
          >
            <RefreshCw size={15} className={isFetching ? 'spin' : undefined} />
          </button>
        </div>
        <p className="soft explorer-count" role="status">
          {t('connections.streamsFound', { n: found.length })}
        </p>
        <div className="explorer-tree">
          {grouped(found.slice(0, FIRST), files).map(([name, streams]) => (
            <Group key={name} name={name} streams={streams} open={open} onOpen={setOpen} files={files} />
          ))}
          {found.length > FIRST && <p className="soft pad">{t('connections.more', { n: found.length - FIRST })}</p>}
        </div>
      </section>
      <section className="card explorer-one" aria-label={chosen?.name ?? t('connections.stream')}>
        {chosen ? (
          <One key={chosen.name} id={id} stream={chosen} onBack={() => setOpen('')} />
        ) : (
          <Empty title={t('connections.chooseStream')} text={t('connections.chooseStream.why')} />
        )}
      </section>
    </div>
  )
}

function Group({
  name,
  streams,
  open,
  onOpen,
  files,
}: {
  name: string
  streams: Stream[]
  open: string
  onOpen: (name: string) => void
  files: boolean
}) {
  const Icon = files ? FileText : Table2
  const list = (
    <ul>
      {streams.map((one) => (
        <li key={one.name}>
          <button type="button" aria-pressed={open === one.name} onClick={() => onOpen(one.name)}>
            <Icon size={14} aria-hidden="true" />
            <span className="stream-name">{name ? one.name.slice(name.length + 1) : one.name}</span>
            <span className="soft">{one.columns.length || ''}</span>
          </button>
        </li>
      ))}
    </ul>
  )
  if (!name) return list
  return (
    <details open>
      <summary>
        <ChevronRight size={14} aria-hidden="true" />
        {name}
        <span className="soft">{streams.length}</span>
      </summary>
      {list}
    </details>
  )
}

function One({ id, stream, onBack }: { id: string; stream: Stream; onBack: () => void }) {
  const [view, setView] = useAsked('view')
  const rows = view === 'rows'
  return (
    <>
      <header className="explorer-title">
        <button type="button" className="button explorer-back" onClick={onBack}>
          {t('connections.streams')}
        </button>
        <h2>{stream.name}</h2>
        {stream.rows !== null && <span className="soft">{t('connections.aboutRows', { n: stream.rows })}</span>}
        <span className="grow" />
        <div className="segmented" role="radiogroup" aria-label={t('connections.view')}>
          <label>
            <input type="radio" name="view" checked={!rows} onChange={() => setView('')} />
            <span>{t('connections.columns')}</span>
          </label>
          <label>
            <input type="radio" name="view" checked={rows} onChange={() => setView('rows')} />
            <span>{t('connections.rows')}</span>
          </label>
        </div>
      </header>
      {stream.warnings.map((one) => (
        <p key={one} className="notice">
          {one}
        </p>
      ))}
      {rows ? <Preview id={id} stream={stream.name} /> : <Columns stream={stream} />}
    </>
  )
}

function Columns({ stream }: { stream: Stream }) {
  if (!stream.columns.length) return <p className="soft pad">{t('connections.noColumns')}</p>
  return (
    <div className="explorer-scroll" tabIndex={0} role="region" aria-label={t('connections.columns')}>
      <table className="list columns-list">
        <thead>
          <tr>
            <th scope="col">{t('connections.column')}</th>
            <th scope="col">{t('connections.type')}</th>
            <th scope="col">{t('connections.usedAs')}</th>
          </tr>
        </thead>
        <tbody>
          {stream.columns.map((one) => (
            <tr key={one.name}>
              <td>
                <b>{one.name}</b>
              </td>
              <td>
                <code>{one.type}</code>
                {one.nullable === false && <span className="soft"> {t('connections.notNull')}</span>}
              </td>
              <td>
                <span className="row">
                  {stream.primary_key.includes(one.name) && (
                    <span className="badge" data-tone="wait">
                      <KeyRound size={12} aria-hidden="true" />
                      {t('connections.key')}
                    </span>
                  )}
                  {stream.cursors.includes(one.name) && (
                    <span className="badge" data-tone="run">
                      <TimerReset size={12} aria-hidden="true" />
                      {t('connections.cursor')}
                    </span>
                  )}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Preview({ id, stream }: { id: string; stream: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['connection', id, 'preview', stream],
    retry: false,
    staleTime: 60_000,
    queryFn: () =>
      call('GET /connections/{connection_id}/preview', {
        path: { connection_id: id },
        query: { stream, limit: PREVIEW_ROWS },
      }) as Promise<unknown> as Promise<Rows>,
  })
  if (error)
    return (
      <div className="pad">
        <Trouble error={error} again={() => void refetch()} />
      </div>
    )
  if (!data)
    return (
      <div className="pad">
        <Waiting what={t('connections.rows')} />
      </div>
    )
  if (!data.rows.length) return <p className="soft pad">{t('connections.noRows')}</p>
  return (
    <>
      <RowsGrid columns={data.schema} rows={data.rows} label={t('connections.rowsOf', { name: stream })} />
      <p className="soft explorer-foot">
        {data.truncated
          ? t('connections.firstRows', { n: data.rows.length })
          : t('connections.allRows', { n: data.rows.length })}{' '}
        · {count(data.schema.length)} {t('connections.columns')}
      </p>
    </>
  )
}
