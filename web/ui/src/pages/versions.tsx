// The versions of a flow: who made them and why, what differs between two, and the way back to one.
import { useQuery } from '@tanstack/react-query'
import { FileCode, GitCommitVertical, Pencil, Undo2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import { call } from '../api/call'
import { get } from '../api/client'
import { client, useFlow, useNodeTypes } from '../api/queries'
import type { Canvas } from '../api/types'
import type { VersionOut } from '../api/types.gen'
import { useMay, useMe } from '../app/me'
import { useTitle } from '../app/title'
import { Empty, Page, Trouble, Waiting } from '../kit/parts'
import { fail, say } from '../kit/toasts'
import { moment, since } from '../lib/format'
import { t } from '../lib/text'
import { difference } from '../flow/diff'
import { Changes } from './versions/changes'
import { Drawn, KindBadge } from './versions/drawn'
import { MakeVersion } from './versions/make'
import '../styles/results.css'

const NOW = 'now'
type Side = typeof NOW | number

function changed(id: string) {
  for (const key of ['versions', 'canvas', 'flow', 'flows'])
    void client.invalidateQueries({ queryKey: key === 'flows' ? [key] : [key, id] })
}

const useCanvas = (id: string, side: Side | undefined) =>
  useQuery({
    queryKey: ['versions', id, 'canvas', side],
    enabled: side !== undefined,
    staleTime: side === NOW ? 0 : Infinity,
    queryFn: async (): Promise<Pick<Canvas, 'nodes' | 'edges'>> =>
      side === NOW
        ? get<Canvas>(`/flows/${id}/data`)
        : (await get<{ definition: Canvas }>(`/flows/${id}/versions/${String(side)}`)).definition,
  })

const parsed = (text: string | null): Side | undefined =>
  text === NOW ? NOW : Number(text) > 0 ? Number(text) : undefined
const called = (side: Side) => (side === NOW ? t('versions.now') : t('versions.number', { number: String(side) }))

export default function Versions({ id }: { id: string }) {
  const flow = useFlow(id)
  const types = useNodeTypes()
  const listed = useQuery({
    queryKey: ['versions', id],
    queryFn: () => call('GET /flows/{flow_id}/versions', { path: { flow_id: id } }),
  })
  const [search, setSearch] = useSearchParams()
  const [making, setMaking] = useState(false)
  const may = useMay('version:create')
  useTitle(flow.data ? t('versions.of', { name: flow.data.name }) : t('versions.title'))
  const error = flow.error ?? listed.error
  const title = flow.data?.name ?? t('versions.title')
  if (error)
    return (
      <Page title={title}>
        <Trouble
          error={error}
          again={() => {
            void flow.refetch()
            void listed.refetch()
          }}
        />
        <Link href="/flows" className="button">
          {t('app.allFlows')}
        </Link>
      </Page>
    )
  if (!listed.data || !types.data)
    return (
      <Page title={title}>
        <Waiting what={t('versions.word')} />
      </Page>
    )
  const numbers = listed.data.map((one) => one.number)
  const b = parsed(search.get('b')) ?? NOW
  const a = parsed(search.get('a')) ?? (b === NOW ? numbers[0] : numbers.find((number) => number < b))
  const set = (values: Record<string, string>) =>
    setSearch(
      (now) => {
        Object.entries(values).forEach(([key, value]) => now.set(key, value))
        return now
      },
      { replace: true },
    )
  const actions = (
    <>
      {may && (
        <button type="button" className="button" onClick={() => setMaking(true)}>
          <GitCommitVertical size={15} aria-hidden="true" />
          {t('versions.make')}
        </button>
      )}
      <Link href={`/flows/${id}/text`} className="button">
        <FileCode size={15} aria-hidden="true" />
        {t('versions.text')}
      </Link>
      <Link href={`/flows/${id}`} className="button">
        <Pencil size={14} aria-hidden="true" />
        {t('versions.open')}
      </Link>
    </>
  )
  return (
    <Page title={title} text={t('versions.title')} actions={actions}>
      {!numbers.length ? (
        <Empty title={t('versions.none')} text={t('versions.none.why')}>
          {may && (
            <button type="button" className="button primary" onClick={() => setMaking(true)}>
              {t('versions.make')}
            </button>
          )}
        </Empty>
      ) : (
        <div className="versions">
          <List id={id} versions={listed.data} a={a} b={b} choose={(side) => set({ b: String(side), a: '' })} />
          <Compared id={id} a={a} b={b} numbers={numbers} set={set} chosen={search.get('step') ?? ''} />
        </div>
      )}
      {making && <MakeVersion id={id} onClose={() => setMaking(false)} />}
    </Page>
  )
}

function List({
  id,
  versions,
  a,
  b,
  choose,
}: {
  id: string
  versions: VersionOut[]
  a: Side | undefined
  b: Side
  choose: (side: Side) => void
}) {
  const me = useMe()
  const may = useMay('version:create')
  const { data: members } = useQuery({
    queryKey: ['members', 'names'],
    queryFn: () => get<{ user_id?: string; id?: string; full_name?: string; email: string }[]>('/members?per_page=100'),
    enabled: Boolean(me?.permissions.includes('member:read')),
    retry: false,
    staleTime: 60_000,
  })
  const who = (one: string | null) => {
    const found = members?.find((member) => (member.user_id ?? member.id) === one)
    return found ? found.full_name || found.email : ''
  }
  const revert = async (number: number) => {
    const newest = versions[0]
    try {
      const [now, last] = await Promise.all([
        get<Canvas>(`/flows/${id}/data`),
        newest && get<{ definition: Canvas }>(`/flows/${id}/versions/${newest.number}`),
      ])
      const differs =
        !last
        || difference(last.definition, now).steps.some((one) => one.kind !== 'same')
        || difference(last.definition, now).wires.some((one) => one.kind !== 'same')
      if (differs)
        await call('POST /flows/{flow_id}/versions', {
          path: { flow_id: id },
          body: { change_summary: t('versions.before', { number: String(number) }) },
        })
      const made = await call('POST /flows/{flow_id}/versions/revert/{number}', {
        path: { flow_id: id, number: String(number) },
      })
      say(
        t(differs ? 'versions.revertedKept' : 'versions.reverted', {
          number: String(number),
          made: String(made.number),
        }),
        'ok',
      )
    } catch (problem) {
      fail(problem)
    }
    changed(id)
  }
  return (
    <ol className="card version-list" aria-label={t('versions.title')} tabIndex={0}>
      <li data-chosen={b === NOW || undefined}>
        <button type="button" className="version" aria-pressed={b === NOW} onClick={() => choose(NOW)}>
          <strong>{t('versions.now')}</strong>
          <span className="soft">{t('versions.now.why')}</span>
        </button>
      </li>
      {versions.map((one, at) => (
        <li key={one.number} data-chosen={one.number === b || undefined} data-base={one.number === a || undefined}>
          <button type="button" className="version" aria-pressed={one.number === b} onClick={() => choose(one.number)}>
            <strong>
              {called(one.number)}
              {one.name && `: ${one.name}`}
            </strong>
            {one.change_summary && <span>{one.change_summary}</span>}
            <span className="soft">
              <time dateTime={one.created_at} title={moment(one.created_at)}>
                {since(one.created_at)}
              </time>
              {who(one.created_by) && ` · ${who(one.created_by)}`}
            </span>
          </button>
          {may && at > 0 && (
            <button
              type="button"
              className="icon-button"
              aria-label={t('versions.revert', { number: String(one.number) })}
              title={t('versions.revert', { number: String(one.number) })}
              onClick={() => void revert(one.number)}
            >
              <Undo2 size={15} />
            </button>
          )}
        </li>
      ))}
    </ol>
  )
}

function Compared({
  id,
  a,
  b,
  numbers,
  set,
  chosen,
}: {
  id: string
  a: Side | undefined
  b: Side
  numbers: number[]
  set: (values: Record<string, string>) => void
  chosen: string
}) {
  const before = useCanvas(id, a)
  const after = useCanvas(id, b)
  const types = useNodeTypes()
  const found = useMemo(
    () =>
      after.data
        ? difference(a === undefined ? { nodes: [], edges: [] } : (before.data ?? { nodes: [], edges: [] }), after.data)
        : undefined,
    [before.data, after.data, a],
  )
  const error = before.error ?? after.error
  const counted = (kind: 'added' | 'removed' | 'changed') => found?.steps.filter((one) => one.kind === kind).length ?? 0
  return (
    <section className="card compared" aria-label={t('versions.compared')}>
      <header className="compared-head">
        <label className="row">
          <span className="sr">{t('versions.from')}</span>
          <select value={String(a ?? '')} onChange={({ target }) => set({ a: target.value })}>
            {a === undefined && <option value="">{t('versions.nothing')}</option>}
            {numbers.map((number) => (
              <option key={number} value={number}>
                {called(number)}
              </option>
            ))}
          </select>
        </label>
        <span aria-hidden="true">→</span>
        <label className="row">
          <span className="sr">{t('versions.to')}</span>
          <select value={String(b)} onChange={({ target }) => set({ b: target.value })}>
            <option value={NOW}>{t('versions.now')}</option>
            {numbers.map((number) => (
              <option key={number} value={number}>
                {called(number)}
              </option>
            ))}
          </select>
        </label>
        <span className="grow" />
        {(['added', 'removed', 'changed'] as const).map(
          (kind) => counted(kind) > 0 && <KindBadge key={kind} kind={kind} n={counted(kind)} />,
        )}
      </header>
      {error ? (
        <Trouble error={error} />
      ) : !found || (a !== undefined && !before.data) ? (
        <Waiting what={t('versions.word')} />
      ) : (
        <div className="compared-parts">
          <Drawn
            found={found}
            types={types.data ?? []}
            chosen={chosen}
            choose={(step) => set({ step })}
            key={`${String(a)} ${String(b)}`}
          />
          <Changes found={found} types={types.data ?? []} chosen={chosen} choose={(step) => set({ step })} />
        </div>
      )}
    </section>
  )
}
