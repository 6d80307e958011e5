// Calls of a webhook, newest first: what each brought, what came of it, and the same again.
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, Download, RotateCcw } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { call, listed } from '../../api/call'
import type { CallOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { useAsked } from '../../kit/address'
import { Empty, Pages, Trouble, Waiting } from '../../kit/parts'
import { fail, say } from '../../kit/toasts'
import { count, moment, since } from '../../lib/format'
import { t } from '../../lib/text'

const PER_PAGE = 20
const GOOD = 300

export function Calls({ id }: { id: string }) {
  const [page, setPage] = useState(1)
  const [open, setOpen] = useAsked('call')
  const { data, error, refetch } = useQuery({
    queryKey: ['triggers', 'webhook', id, 'calls', page],
    refetchInterval: 5_000,
    queryFn: () =>
      listed('GET /webhooks/{webhook_id}/calls', { path: { webhook_id: id }, query: { page, per_page: PER_PAGE } }),
  })
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('webhooks.calls')} />
  if (!data.data.length) return <Empty title={t('webhooks.noCalls')} text={t('webhooks.noCalls.why')} />
  const chosen = data.data.find((one) => one.id === open) ?? data.data[0]
  return (
    <>
      <div className="explorer" data-one={open ? true : undefined}>
        <section className="card explorer-list" aria-label={t('webhooks.calls')}>
          <div className="explorer-tree calls-list">
            <ul>
              {data.data.map((one) => (
                <li key={one.id}>
                  <button type="button" aria-pressed={one === chosen} onClick={() => setOpen(one.id)}>
                    <Status code={one.status_code} />
                    <span className="stream-name">
                      <time dateTime={one.created_at} title={moment(one.created_at)}>
                        {since(one.created_at)}
                      </time>
                    </span>
                    <span className="soft">
                      {one.replay_of ? t('webhooks.replayed') : t(`webhooks.outcome.${one.outcome}`)}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          </div>
        </section>
        <section className="card explorer-one" aria-label={t('webhooks.call')}>
          {chosen && <One key={chosen.id} webhook={id} call={chosen} onBack={() => setOpen('')} />}
        </section>
      </div>
      <Pages page={page} total={data.pagination?.total_pages ?? 1} onChange={setPage} />
    </>
  )
}

function Status({ code }: { code: number }) {
  const good = code < GOOD
  return (
    <span className="badge" data-tone={good ? 'ok' : 'error'}>
      {good ? <CircleCheck size={13} aria-hidden="true" /> : <CircleX size={13} aria-hidden="true" />}
      {code}
    </span>
  )
}

function pretty(text: string, type: string): string {
  if (!type.includes('json')) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

function One({ webhook, call: one, onBack }: { webhook: string; call: CallOut; onBack: () => void }) {
  const may = useMay('flow:execute')
  const replay = () =>
    void call('POST /webhooks/{webhook_id}/calls/{call_id}/replay', { path: { webhook_id: webhook, call_id: one.id } })
      .then(() => say(t('webhooks.started'), 'ok'))
      .catch(fail)
  return (
    <>
      <header className="explorer-title">
        <button type="button" className="button explorer-back" onClick={onBack}>
          {t('webhooks.calls')}
        </button>
        <h2>{one.method}</h2>
        <Status code={one.status_code} />
        <span className="soft">{moment(one.created_at)}</span>
        <span className="grow" />
        {one.execution_id && (
          <Link href={`/executions/${one.execution_id}`} className="button">
            {t('webhooks.execution')}
          </Link>
        )}
        {may && one.body_bytes >= 0 && one.status_code < GOOD && (
          <button type="button" className="button" onClick={replay}>
            <RotateCcw size={14} aria-hidden="true" />
            {t('webhooks.replay')}
          </button>
        )}
      </header>
      <div className="explorer-scroll call-parts" tabIndex={0} role="region" aria-label={t('webhooks.call')}>
        {one.error && (
          <div className="notice" data-tone="error">
            {one.error}
          </div>
        )}
        <dl className="facts-line">
          <div>
            <dt>{t('webhooks.from')}</dt>
            <dd>{one.remote || '–'}</dd>
          </div>
          <div>
            <dt>{t('webhooks.delivery')}</dt>
            <dd>{one.delivery_id ?? '–'}</dd>
          </div>
          <div>
            <dt>{t('webhooks.duplicates')}</dt>
            <dd>{count(one.duplicates)}</dd>
          </div>
        </dl>
        <h3 className="row">
          {t('webhooks.body')}
          <span className="soft">
            {one.content_type} · {t('webhooks.bytes', { n: one.body_bytes })}
          </span>
          <span className="grow" />
          {one.body_bytes > 0 && (
            <a className="button" href={`/api/v1/webhooks/${webhook}/calls/${one.id}/body`} download={`call-${one.id}`}>
              <Download size={14} aria-hidden="true" />
              {t('webhooks.download')}
            </a>
          )}
        </h3>
        {one.body ? (
          <pre className="prose-code">{pretty(one.body, one.content_type)}</pre>
        ) : (
          <p className="soft">{one.body_base64 ? t('webhooks.binary') : t('webhooks.noBody')}</p>
        )}
        {Object.keys(one.query).length > 0 && <Pairs title={t('webhooks.query')} pairs={one.query} />}
        <Pairs title={t('webhooks.headers')} pairs={one.headers} />
      </div>
    </>
  )
}

function Pairs({ title, pairs }: { title: string; pairs: Record<string, unknown> }) {
  return (
    <details>
      <summary>
        {title} ({Object.keys(pairs).length})
      </summary>
      <dl className="pairs">
        {Object.entries(pairs).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
