// What a trigger is about to do: the instants ahead, or the address that waits for calls.
import { useQuery } from '@tanstack/react-query'
import { Copy, RotateCcw } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import { post } from '../api/client'
import { client } from '../api/queries'
import { useCalls, useFlowTriggers, useWebhook } from '../api/triggers'
import type { Webhook } from '../api/triggers'
import type { Value } from '../api/types'
import { useMay } from '../app/me'
import { onClipboard } from '../kit/copy'
import { fail, say } from '../kit/toasts'
import { due, moment, since } from '../lib/format'
import { t } from '../lib/text'
import { useFlowPage } from './context'

const SETTLED_MS = 400

/** The next ten due instants of a schedule as it stands in a form. */
export function Instants({
  type,
  configuration,
  ready = true,
}: {
  type: string
  configuration: Value
  ready?: boolean
}) {
  const now = JSON.stringify(configuration)
  const [asked, setAsked] = useState(now)
  useEffect(() => {
    const timer = setTimeout(() => setAsked(now), SETTLED_MS)
    return () => clearTimeout(timer)
  }, [now])
  const { data, error } = useQuery({
    queryKey: ['next', type, asked],
    retry: false,
    staleTime: 30_000,
    enabled: ready && asked === now,
    queryFn: () => post<string[]>('/triggers/next', { trigger_type: type, configuration: JSON.parse(asked) as Value }),
  })
  return (
    <section className="instants" aria-live="polite">
      <h2>{t('flow.starts.next')}</h2>
      {!ready ? (
        <p className="soft">{t('flow.starts.fill')}</p>
      ) : error ? (
        <p>{error.message}</p>
      ) : !data ? (
        <p>…</p>
      ) : data.length === 0 ? (
        <p>{t('flow.starts.never')}</p>
      ) : (
        <ol>
          {data.map((at) => (
            <li key={at}>
              <time dateTime={at} title={moment(at)}>
                {due(at)}
              </time>
            </li>
          ))}
        </ol>
      )}
      {data && data.length > 0 && <p className="help">{t('flow.starts.zone')}</p>}
    </section>
  )
}

const copy = (text: string) =>
  void onClipboard(text).then((done) => (done ? say(t('flow.copied'), 'ok') : say(t('flow.copied.not'), 'info')))

function Copied({ label, text }: { label: string; text: string }) {
  return (
    <div className="field">
      <span className="label">{label}</span>
      <div className="address">
        <input readOnly value={text} aria-label={label} onFocus={({ target }) => target.select()} />
        <button type="button" className="button" onClick={() => copy(text)}>
          <Copy size={14} aria-hidden="true" />
          {t('flow.command.copy')}
        </button>
      </div>
    </div>
  )
}

/** The address of a webhook, and its signing key the one time that it can be seen. */
export function Address({ id }: { id: string }) {
  const { data } = useWebhook(id, true)
  const mayChange = useMay('webhook:update')
  const [key, setKey] = useState('')
  if (!data) return null
  const rotate = () =>
    void post<Webhook>(`/webhooks/${id}/rotate-key`)
      .then(({ signing_key: made }) => {
        setKey(made ?? '')
        void client.invalidateQueries({ queryKey: ['webhook', id] })
      })
      .catch(fail)
  return (
    <>
      <Copied
        label={t('flow.starts.address', { method: data.method })}
        text={new URL(data.url, location.origin).href}
      />
      {data.alias_url && <Copied label={t('flow.starts.path')} text={new URL(data.alias_url, location.origin).href} />}
      {key ? (
        <Copied label={t('flow.starts.key')} text={key} />
      ) : (
        data.authentication === 'hmac'
        && mayChange && (
          <p className="field">
            <button type="button" className="button" onClick={rotate}>
              <RotateCcw size={14} aria-hidden="true" />
              {t('flow.starts.newKey')}
            </button>{' '}
            <span className="soft">{t('flow.starts.oldKey')}</span>
          </p>
        )
      )}
    </>
  )
}

/** The latest calls of a webhook; each can start its flow again. */
export function Calls({ id }: { id: string }) {
  const { data } = useCalls(id)
  const may = useMay('flow:execute')
  const again = (call: string) =>
    void post(`/webhooks/${id}/calls/${call}/replay`)
      .then(() => say(t('flow.starts.again.done'), 'ok'))
      .catch(fail)
  return (
    <section className="calls">
      <h3>{t('flow.starts.calls')}</h3>
      {!data ? (
        <p>…</p>
      ) : data.length === 0 ? (
        <p>{t('flow.starts.noCalls')}</p>
      ) : (
        <ul>
          {data.map((one) => (
            <li key={one.id}>
              <span className="badge" data-tone={one.status_code < 300 ? 'ok' : 'error'}>
                {one.status_code}
              </span>
              {one.execution_id ? (
                <Link href={`/executions/${one.execution_id}`}>{since(one.created_at)}</Link>
              ) : (
                <span title={one.error ?? ''}>
                  {since(one.created_at)}: {one.error ?? one.outcome}
                </span>
              )}
              {may && one.execution_id && (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t('flow.starts.againWith', { at: moment(one.created_at) })}
                  title={t('flow.starts.again')}
                  onClick={() => again(one.id)}
                >
                  <RotateCcw size={14} />
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** Beside the settings of a trigger step: what the stored trigger does. */
export function Starts({ node, config }: { node: string; config: Value }) {
  const { flowId } = useFlowPage()
  const { data } = useFlowTriggers(flowId)
  const trigger = data?.find((one) => one.node_id === node)
  if (!trigger) return <p className="soft">{t('flow.starts.save')}</p>
  return (
    <>
      {trigger.error ? (
        <p className="notice" data-tone="error">
          {trigger.error}
        </p>
      ) : (
        !trigger.armed && (
          <p className="notice">{t(trigger.is_active ? 'flow.starts.inactive' : 'flow.starts.paused')}</p>
        )
      )}
      {trigger.mode === 'time' && <Instants type={trigger.trigger_type} configuration={config} />}
      {trigger.mode === 'webhook' && <Address id={trigger.id} />}
      {trigger.mode === 'source' && Object.keys(trigger.secrets).length > 0 && (
        <p className="soft">
          {t('flow.starts.secrets')} <Link href="/triggers">{t('places.triggers')}</Link>
        </p>
      )}
      {trigger.last_fired_at && (
        <p className="soft">
          {t('flow.starts.last')}{' '}
          {trigger.last_execution_id ? (
            <Link href={`/executions/${trigger.last_execution_id}`}>{since(trigger.last_fired_at)}</Link>
          ) : (
            since(trigger.last_fired_at)
          )}
        </p>
      )}
    </>
  )
}
