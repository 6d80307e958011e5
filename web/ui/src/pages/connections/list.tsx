// All connections: whether they work, when that was last seen, and a test of all of them.
import { useQuery } from '@tanstack/react-query'
import { Plus, PlugZap, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import { allOf } from '../../api/all'
import { post } from '../../api/client'
import { client, useConnectors } from '../../api/queries'
import type { Connection, Connector, Tested } from '../../api/types'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { State } from '../../kit/icon'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { Tile } from '../../kit/tile'
import { fail, say } from '../../kit/toasts'
import { moment, since } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { DropConnection } from './drop'
import { Returned } from './return'

const STATES = ['', 'success', 'failed', 'untested']
const AT_ONCE = 3

export default function Connections() {
  const [params] = useSearchParams()
  const connected = params.get('connected') ?? ''
  const refused = params.get('refused') ?? ''
  return connected || refused ? <Returned back={{ connected, refused }} /> : <List />
}

function List() {
  useTitle(t('connections.connections'))
  const [q, setQ] = useAsked('q')
  const [state, setState] = useAsked('state')
  const [kind, setKind] = useAsked('connector')
  const [dropping, setDropping] = useState<Connection | null>(null)
  const [testing, setTesting] = useState<Set<string>>(new Set())
  const [done, setDone] = useState<{ at: number; of: number } | null>(null)
  const may = useMay('connection:create')
  const mayTest = useMay('connection:test')
  const connections = useQuery({
    queryKey: ['connections', 'all'],
    queryFn: () => allOf('GET /connections') as Promise<unknown> as Promise<Connection[]>,
  })
  const connectors = useConnectors()
  const kinds = new Map(connectors.data?.map((one) => [one.id, one]))
  const title = (one: Connection) => kinds.get(one.connector)?.title ?? one.connector
  const all = connections.data ?? []
  const shown = all.filter(
    (one) =>
      (!state || one.test_status === state)
      && (!kind || one.connector === kind)
      && `${one.name} ${one.description} ${one.connector} ${title(one)}`.toLowerCase().includes(q.toLowerCase()),
  )
  const used = [...new Set(all.map((one) => one.connector))].sort()
  const error = connections.error ?? connectors.error
  const filtered = Boolean(q || state || kind)

  const test = async (one: Connection) => {
    setTesting((now) => new Set(now).add(one.id))
    try {
      return await post<Tested>(`/connections/${one.id}/test`)
    } finally {
      setTesting((now) => {
        const next = new Set(now)
        next.delete(one.id)
        return next
      })
      void client.invalidateQueries({ queryKey: ['connections'] })
    }
  }
  const testAll = async () => {
    const todo = [...shown]
    let good = 0
    let at = 0
    setDone({ at: 0, of: shown.length })
    const worker = async () => {
      for (let one = todo.shift(); one; one = todo.shift()) {
        const found = await test(one).catch((wrong: unknown) => {
          fail(wrong)
          return null
        })
        if (found?.ok) good++
        setDone({ at: ++at, of: shown.length })
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    setDone(null)
    say(t('connections.testedAll', { n: good, all: shown.length }), good === shown.length ? 'ok' : 'info')
  }
  const add = may && (
    <Link href="/connections/new" className="button primary">
      <Plus size={16} aria-hidden="true" />
      {t('connections.new')}
    </Link>
  )
  const acts = (
    <>
      {mayTest && shown.length > 0 && (
        <button type="button" className="button" disabled={Boolean(done)} onClick={() => void testAll()}>
          <PlugZap size={15} aria-hidden="true" />
          {done ? t('connections.testingAll', { at: done.at, of: done.of }) : t('connections.testAll')}
        </button>
      )}
      {add}
    </>
  )
  return (
    <Page title={t('connections.connections')} text={t('connections.text')} actions={acts}>
      {error ? (
        <Trouble
          error={error}
          again={() => {
            void connections.refetch()
            void connectors.refetch()
          }}
        />
      ) : !connections.data || !connectors.data ? (
        <Waiting what={t('connections.connections')} />
      ) : all.length === 0 ? (
        <Empty title={t('connections.none')} text={t('connections.none.why')}>
          {add}
        </Empty>
      ) : (
        <>
          <div className="filters sources-filters">
            <SearchBox label={t('connections.search')} value={q} onChange={setQ} />
            <div className="segmented" role="radiogroup" aria-label={t('connections.state')}>
              {STATES.map((one) => (
                <label key={one}>
                  <input type="radio" name="state" checked={state === one} onChange={() => setState(one)} />
                  <span>{one ? t(`connections.state.${one}`) : t('connections.all')}</span>
                </label>
              ))}
            </div>
            <label className="row">
              <span className="soft">{t('connections.connector')}</span>
              <select value={kind} onChange={({ target }) => setKind(target.value)}>
                <option value="">{t('connections.any')}</option>
                {used.map((one) => (
                  <option key={one} value={one}>
                    {kinds.get(one)?.title ?? one}
                  </option>
                ))}
              </select>
            </label>
          </div>
          {shown.length === 0 ? (
            <Empty title={t('connections.noMatch')} text={t('connections.noMatch.why')}>
              {filtered && (
                <button
                  type="button"
                  className="button"
                  onClick={() => {
                    setQ('')
                    setState('')
                    setKind('')
                  }}
                >
                  {t('connections.clear')}
                </button>
              )}
            </Empty>
          ) : (
            <div className="card table-card" tabIndex={0} role="region" aria-label={t('connections.connections')}>
              <table className="list stacked">
                <thead>
                  <tr>
                    <th scope="col">{t('connections.name')}</th>
                    <th scope="col">{t('connections.state')}</th>
                    <th scope="col">{t('connections.lastCheck')}</th>
                    <th scope="col">{t('connections.changed')}</th>
                    <th scope="col">
                      <span className="sr">{t('connections.acts')}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((one) => (
                    <Row
                      key={one.id}
                      connection={one}
                      kind={kinds.get(one.connector)}
                      testing={testing.has(one.id)}
                      onTest={
                        mayTest
                          ? () =>
                              void test(one)
                                .then(({ ok }) =>
                                  say(
                                    ok
                                      ? t('connections.worksNamed', { name: one.name })
                                      : t('connections.worksNotNamed', { name: one.name }),
                                    ok ? 'ok' : 'error',
                                  ),
                                )
                                .catch(fail)
                          : undefined
                      }
                      onDrop={() => setDropping(one)}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </>
      )}
      {dropping && <DropConnection connection={dropping} onClose={() => setDropping(null)} />}
    </Page>
  )
}

type RowProps = {
  connection: Connection
  kind: Connector | undefined
  testing: boolean
  onTest: (() => void) | undefined
  onDrop: () => void
}

function Row({ connection: one, kind, testing, onTest, onDrop }: RowProps) {
  const mayDelete = useMay('connection:delete')
  const wrong = one.test_status === 'failed' ? one.test_result?.checks.find(({ ok }) => !ok)?.detail : ''
  return (
    <tr>
      <td>
        <span className="row named">
          <Tile icon={kind?.icon ?? ''} kind="connector" title={kind?.title ?? one.connector} small />
          <span>
            <Link href={`/connections/${one.id}`}>{one.name}</Link>
            <span className="soft list-error">
              {kind?.title ?? t('connections.notInstalled', { id: one.connector })}
              {one.description && ` · ${one.description}`}
            </span>
          </span>
        </span>
      </td>
      <td>
        {testing ? <State name="running" /> : <State name={one.test_status} />}
        {wrong && (
          <span className="soft list-error" title={wrong}>
            {wrong}
          </span>
        )}
      </td>
      <td data-column={t('connections.lastCheck')}>
        {one.last_tested_at ? (
          <>
            <time dateTime={one.last_tested_at} title={moment(one.last_tested_at)}>
              {since(one.last_tested_at)}
            </time>
            {one.test_result && <span className="soft"> · {one.test_result.ms} ms</span>}
          </>
        ) : (
          <span className="soft">{t('connections.never')}</span>
        )}
      </td>
      <td data-column={t('connections.changed')}>
        <time className="soft" dateTime={one.updated_at} title={moment(one.updated_at)}>
          {since(one.updated_at)}
        </time>
      </td>
      <td>
        <span className="row list-acts">
          {onTest && (
            <button
              type="button"
              className="icon-button"
              disabled={testing}
              aria-label={t('connections.testNamed', { name: one.name })}
              title={t('connections.test')}
              onClick={onTest}
            >
              <PlugZap size={15} />
            </button>
          )}
          {mayDelete && (
            <button
              type="button"
              className="icon-button"
              aria-label={t('connections.deleteNamed', { name: one.name })}
              title={t('connections.delete')}
              onClick={onDrop}
            >
              <Trash2 size={15} />
            </button>
          )}
        </span>
      </td>
    </tr>
  )
}
