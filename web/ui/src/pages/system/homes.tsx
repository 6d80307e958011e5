// Databases of organizations: who has one of its own, where a move stands, and what it would move.
import { useQuery } from '@tanstack/react-query'
import { Database } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { HomeOut } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Ask, Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { SelectField, TextField } from '../../kit/fields'
import { Empty, Trouble, Waiting } from '../../kit/parts'
import { Section } from '../../kit/section'
import { count } from '../../lib/format'
import { t } from '../../lib/text'

const useNames = () =>
  useQuery({
    queryKey: ['subscriptions', 'names'],
    queryFn: () => call('GET /subscriptions', { query: { per_page: 100 } }),
  })

const there = (one: HomeOut) => one.state === 'there'
const placeWord = (settled: boolean) => t(settled ? 'system.there' : 'system.onTheWay')

export function Homes() {
  const [moving, setMoving] = useState(false)
  const [back, setBack] = useState('')
  const { data, error, refetch } = useQuery({
    queryKey: ['homes'],
    queryFn: () => call('GET /system/homes'),
    refetchInterval: 5_000,
  })
  const names = useNames()
  const name = (id: string) => names.data?.find((one) => one.id === id)?.organization ?? id.slice(0, 8)
  const move = (
    <button type="button" className="button primary" onClick={() => setMoving(true)}>
      <Database size={16} aria-hidden="true" />
      {t('system.move')}
    </button>
  )
  return (
    <Section title={t('system.homes')} text={t('system.homes.text')} actions={data?.length ? move : null}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('system.homes')} />
      ) : data.length === 0 ? (
        <Empty title={t('system.noHomes')} text={t('system.noHomes.text')}>
          {move}
        </Empty>
      ) : (
        <ul className="lines">
          {data.map((one) => (
            <li key={one.id}>
              <span className="line-icon">
                <Database size={17} aria-hidden="true" />
              </span>
              <span className="line-text">
                <strong>{name(one.id)}</strong>
                <span className="soft">
                  <code>{one.place}</code>
                  {one.step && ` · ${one.step}`}
                  {one.note && ` · ${one.note}`}
                </span>
              </span>
              <span className="badge" data-tone={there(one) ? 'ok' : one.note ? 'warn' : 'run'}>
                {placeWord(there(one))}
              </span>
              {there(one) && (
                <button type="button" className="button" onClick={() => setBack(one.id)}>
                  {t('system.back')}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {moving && <Move onClose={() => setMoving(false)} />}
      {back && (
        <Ask
          title={t('system.back.title', { name: name(back) })}
          text={t('system.back.text')}
          word={t('system.back')}
          onClose={() => setBack('')}
          onAct={() => call('DELETE /system/homes/{home_id}', { path: { home_id: back } }).then(() => stale('homes'))}
        >
          <Counts id={back} />
        </Ask>
      )}
    </Section>
  )
}

function Counts({ id }: { id: string }) {
  const { data, error } = useQuery({
    queryKey: ['homes', id, 'preview'],
    queryFn: () => call('GET /system/homes/{home_id}/preview', { path: { home_id: id } }),
    staleTime: 0,
  })
  if (error) return <Trouble error={error} />
  if (!data) return <Waiting what={t('system.preview')} />
  const rows = Object.entries(data.rows)
  const sum = rows.reduce((all, [, n]) => all + n, 0)
  return (
    <div className="effect" role="status">
      <h3>{t('system.preview')}</h3>
      <p>{t('system.rows', { n: sum, tables: rows.length })}</p>
      <ol className="steps-of">
        {data.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <details>
        <summary>{t('system.tables')}</summary>
        <dl className="gives">
          {rows.map(([table, n]) => (
            <div key={table}>
              <dt>{table}</dt>
              <dd>{count(n)}</dd>
            </div>
          ))}
        </dl>
      </details>
    </div>
  )
}

function Move({ onClose }: { onClose: () => void }) {
  const [id, setId] = useState('')
  const [place, setPlace] = useState('')
  const names = useNames()
  const { busy, errors, act } = useAct(['place'])
  const go = () =>
    act(async () => {
      await call('PUT /system/homes/{home_id}', { path: { home_id: id }, body: { place } })
      stale('homes')
      onClose()
    }, t('system.moving'))
  return (
    <Dialog title={t('system.move')} text={t('system.move.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void go()
        }}
      >
        <SelectField
          label={t('system.organization')}
          value={id}
          onChange={setId}
          required
          choices={[
            { value: '', word: t('grants.choose') },
            ...(names.data ?? []).map((one) => ({ value: one.id, word: one.organization })),
          ]}
        />
        <TextField
          label={t('system.place')}
          value={place}
          onChange={setPlace}
          autoComplete="off"
          help={t('system.place.text')}
          error={errors.place}
        />
        {id && <Counts id={id} />}
        <Refused errors={errors} />
        <Foot word={t('system.move')} busy={busy} ready={Boolean(id)} onClose={onClose} />
      </form>
    </Dialog>
  )
}
