// Where a connection has the state of equipment and its measurements: one mapping of each, and its rows to try it.
import { useQuery } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { call } from '../../api/call'
import { ApiError } from '../../api/client'
import { client } from '../../api/queries'
import type { Json, Value } from '../../api/types'
import type { MappingOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { SchemaForm } from '../../form/form'
import { useAsked } from '../../kit/address'
import { Ask } from '../../kit/ask'
import { Choice } from '../../kit/choice'
import { Empty, Trouble, Waiting } from '../../kit/parts'
import { RowsGrid } from '../../kit/rows-grid'
import { fail, say } from '../../kit/toasts'
import { alike } from '../../lib/alike'
import { moment } from '../../lib/format'
import { missing } from '../../lib/schema'
import { t } from '../../lib/text'
import type { Stream } from './data'
import { KINDS, PARTS, PLACES, fromStored, guessed, schemaOf, toSend } from './mapping-form'
import type { Kind } from './mapping-form'

export function Mappings({ id }: { id: string }) {
  const [asked, setKind] = useAsked('kind')
  const kind = KINDS.find((one) => one === asked) ?? KINDS[0]
  const { data, error, refetch } = useQuery({
    queryKey: ['connection', id, 'mappings'],
    queryFn: () => call('GET /connections/{connection_id}/mappings', { path: { connection_id: id } }),
  })
  const streams = useQuery({
    queryKey: ['connection', id, 'streams'],
    retry: false,
    staleTime: 60_000,
    queryFn: () =>
      call('GET /connections/{connection_id}/schema', { path: { connection_id: id } }) as Promise<unknown> as Promise<
        Stream[]
      >,
  })
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data || streams.isPending) return <Waiting what={t('connections.mappings')} />
  const stored = data.find(({ data_type }) => data_type === kind)
  return (
    <>
      <div className="mapping-head">
        <Choice
          label={t('connections.map.kind')}
          value={kind}
          options={KINDS.map((one) => [one, t(`connections.map.kind.${one}`)])}
          onChange={(one) => setKind(one === KINDS[0] ? '' : one)}
        />
        <p className="soft">{t(`connections.map.about.${kind}`)}</p>
      </div>
      <One
        key={`${kind} ${stored?.row_version ?? 0}`}
        id={id}
        kind={kind}
        stored={stored}
        streams={streams.data ?? []}
        unseen={streams.error}
      />
    </>
  )
}

type Props = { id: string; kind: Kind; stored: MappingOut | undefined; streams: Stream[]; unseen: Error | null }

function One({ id, kind, stored, streams, unseen }: Props) {
  const first = useMemo(() => fromStored(kind, stored), [kind, stored])
  const [value, setValue] = useState(first)
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const [dropping, setDropping] = useState(false)
  const mayChange = useMay('connection:update')
  const schema = useMemo(() => schemaOf(kind, value, streams), [kind, value, streams])
  const change = (next: Value) =>
    setValue(
      next.table === value.table
        ? next
        : {
            ...next,
            columns: guessed(
              kind,
              streams.find(({ name }) => name === next.table),
            ),
          },
    )
  const refresh = () => client.invalidateQueries({ queryKey: ['connection', id, 'mappings'] })
  const refused = (error: unknown) => {
    if (!(error instanceof ApiError)) return fail(error)
    const listed = typeof error.details.field === 'string' ? { [error.details.field]: error.message } : error.fields
    setErrors(
      Object.fromEntries(
        Object.entries(listed).map(([path, message]) => [PLACES[path.split('.')[0] ?? ''] ?? '', message]),
      ),
    )
  }
  const save = async () => {
    const empty = missing(schema, value)
    setErrors(empty)
    if (Object.keys(empty).length) return
    setBusy(true)
    try {
      if (stored)
        await call('PUT /connections/{connection_id}/mappings/{mapping_id}', {
          path: { connection_id: id, mapping_id: stored.id },
          body: { ...toSend(value), row_version: stored.row_version },
        })
      else
        await call('POST /connections/{connection_id}/mappings', {
          path: { connection_id: id },
          body: { ...toSend(value), data_type: kind },
        })
      await refresh()
      say(t('connections.map.saved'), 'ok')
    } catch (error) {
      refused(error)
    } finally {
      setBusy(false)
    }
  }
  const drop = async () => {
    if (stored) {
      await call('DELETE /connections/{connection_id}/mappings/{mapping_id}', {
        path: { connection_id: id, mapping_id: stored.id },
      })
      await refresh()
    }
  }
  return (
    <div className="mapping">
      <form
        className="card pane connection-form"
        aria-label={t(`connections.map.kind.${kind}`)}
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        {unseen && <p className="notice">{t('connections.map.unseen', { why: unseen.message })}</p>}
        <fieldset className="bare" disabled={!mayChange}>
          <SchemaForm
            schema={schema}
            value={value}
            onChange={change}
            errors={errors}
            readOnly={!mayChange}
            scope={`${id} ${kind}`}
          />
        </fieldset>
        {mayChange && (
          <footer className="form-foot">
            {stored && (
              <button type="button" className="button" onClick={() => setDropping(true)}>
                <Trash2 size={15} aria-hidden="true" />
                {t('connections.map.drop')}
              </button>
            )}
            <span className="grow" />
            <button className="button primary" disabled={busy}>
              {t(busy ? 'connections.saving' : 'connections.save')}
            </button>
          </footer>
        )}
      </form>
      <Tried id={id} kind={kind} stored={stored} changed={!alike(toSend(value), toSend(first))} />
      {dropping && (
        <Ask
          title={t('connections.map.drop.sure')}
          text={t('connections.map.drop.why')}
          word={t('connections.map.drop')}
          onAct={drop}
          onClose={() => setDropping(false)}
        />
      )}
    </div>
  )
}

function Tried({
  id,
  kind,
  stored,
  changed,
}: {
  id: string
  kind: Kind
  stored: MappingOut | undefined
  changed: boolean
}) {
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ['connection', id, 'mapped', stored?.id, stored?.row_version],
    enabled: Boolean(stored),
    retry: false,
    staleTime: 0,
    queryFn: () =>
      call('GET /connections/{connection_id}/mappings/{mapping_id}/rows', {
        path: { connection_id: id, mapping_id: stored?.id ?? '' },
        query: { limit: 200 },
      }),
  })
  const columns = PARTS[kind].filter(({ name }) => data?.rows.some((row) => name in row))
  return (
    <section className="card mapping-rows" aria-label={t('connections.rows')}>
      <header className="explorer-title">
        <h2>{t('connections.rows')}</h2>
        <span className="grow" />
        {stored && (
          <button type="button" className="button" disabled={isFetching} onClick={() => void refetch()}>
            {t('connections.map.again')}
          </button>
        )}
      </header>
      {changed && stored && <p className="notice">{t('connections.map.changed')}</p>}
      {!stored ? (
        <Empty title={t('connections.map.none')} text={t('connections.map.none.why')} />
      ) : error ? (
        <div className="pad">
          <Trouble error={error} again={() => void refetch()} />
        </div>
      ) : !data ? (
        <div className="pad">
          <Waiting what={t('connections.rows')} />
        </div>
      ) : !data.rows.length ? (
        <p className="soft pad">{t('connections.map.noRows')}</p>
      ) : (
        <RowsGrid
          label={t('connections.rowsOf', { name: t(`connections.map.kind.${kind}`) })}
          columns={columns.map((one) => ({ ...one, nullable: true }))}
          rows={data.rows.map((row) => columns.map(({ name }): Json => row[name] ?? null))}
        />
      )}
      {data && (
        <p className="soft explorer-foot" role="status">
          {data.truncated
            ? t('connections.firstRows', { n: data.rows.length })
            : t('connections.allRows', { n: data.rows.length })}{' '}
          · {t(data.cached ? 'connections.map.kept' : 'connections.map.read', { when: moment(data.read_at) })}
        </p>
      )}
    </section>
  )
}
