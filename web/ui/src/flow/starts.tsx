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
import { fail, say } from '../kit/toasts'
import { due, moment, since } from '../lib/format'
import { useFlowPage } from './context'

const SETTLED_MS = 400

/** The next ten due instants of a schedule as it stands in a form. */
export function Instants({ type, configuration, ready = true }: { type: string; configuration: Value; ready?: boolean }) {
  const now = JSON.stringify(configuration)
  const [asked, setAsked] = useState(now)
  useEffect(() => { const timer = setTimeout(() => setAsked(now), SETTLED_MS); return () => clearTimeout(timer) }, [now])
  const { data, error } = useQuery({
    queryKey: ['next', type, asked], retry: false, staleTime: 30_000, enabled: ready && asked === now,
    queryFn: () => post<string[]>('/triggers/next', { trigger_type: type, configuration: JSON.parse(asked) as Value }),
  })
  return (
    <section className="instants" aria-live="polite">
      <h3>Next times</h3>
      {!ready ? <p className="soft">Fill in what is required to see them.</p> : error ? <p>{error.message}</p> : !data ? <p>…</p> : data.length === 0 ? <p>None: it never comes due.</p> : <ol>{data.map((at) => <li key={at}><time dateTime={at} title={moment(at)}>{due(at)}</time></li>)}</ol>}
      {data && data.length > 0 && <p className="help">In your time zone.</p>}
    </section>
  )
}

const copy = (text: string) => void navigator.clipboard.writeText(text).then(() => say('Copied.', 'ok')).catch(() => say('Copy it by hand; the browser does not allow it.', 'info'))

function Copied({ label, text }: { label: string; text: string }) {
  return (
    <div className="field"><span className="label">{label}</span>
      <div className="address"><input readOnly value={text} aria-label={label} onFocus={({ target }) => target.select()} /><button type="button" className="button" onClick={() => copy(text)}><Copy size={14} aria-hidden="true" />Copy</button></div></div>
  )
}

/** The address of a webhook, and its signing key the one time that it can be seen. */
export function Address({ id }: { id: string }) {
  const { data } = useWebhook(id, true)
  const mayChange = useMay('webhook:update')
  const [key, setKey] = useState('')
  if (!data) return null
  const rotate = () => void post<Webhook>(`/webhooks/${id}/rotate-key`).then(({ signing_key: made }) => { setKey(made ?? ''); void client.invalidateQueries({ queryKey: ['webhook', id] }) }).catch(fail)
  return (
    <>
      <Copied label={`Address (${data.method})`} text={new URL(data.url, location.origin).href} />
      {data.alias_url && <Copied label="Own path" text={new URL(data.alias_url, location.origin).href} />}
      {key ? <Copied label="Signing key: it is shown this once" text={key} /> : data.authentication === 'hmac' && mayChange && (
        <p className="field"><button type="button" className="button" onClick={rotate}><RotateCcw size={14} aria-hidden="true" />New signing key…</button> <span className="soft">The one before stays good until the next.</span></p>
      )}
    </>
  )
}

/** The latest calls of a webhook; each can start its flow again. */
export function Calls({ id }: { id: string }) {
  const { data } = useCalls(id)
  const may = useMay('flow:execute')
  const again = (call: string) => void post(`/webhooks/${id}/calls/${call}/replay`).then(() => say('Started again with what the call brought.', 'ok')).catch(fail)
  return (
    <section className="calls">
      <h3>Last calls</h3>
      {!data ? <p>…</p> : data.length === 0 ? <p>None yet.</p> : (
        <ul>{data.map((one) => (
          <li key={one.id}><span className="badge" data-tone={one.status_code < 300 ? 'ok' : 'error'}>{one.status_code}</span>
            {one.execution_id ? <Link href={`/executions/${one.execution_id}`}>{since(one.created_at)}</Link> : <span title={one.error ?? ''}>{since(one.created_at)}: {one.error ?? one.outcome}</span>}
            {may && one.execution_id && <button type="button" className="icon-button" aria-label={`Start again with the call of ${moment(one.created_at)}`} title="Start again" onClick={() => again(one.id)}><RotateCcw size={14} /></button>}</li>
        ))}</ul>
      )}
    </section>
  )
}

/** Beside the settings of a trigger step: what the stored trigger does. */
export function Starts({ node, config }: { node: string; config: Value }) {
  const { flowId } = useFlowPage()
  const { data } = useFlowTriggers(flowId)
  const trigger = data?.find((one) => one.node_id === node)
  if (!trigger) return <p className="soft">Save the flow, and the trigger is ready.</p>
  return (
    <>
      {trigger.error ? <p className="notice" data-tone="error">{trigger.error}</p> : !trigger.armed && <p className="notice">{trigger.is_active ? 'It acts once the flow is active; switch that on above.' : 'It is paused; resume it among the triggers.'}</p>}
      {trigger.mode === 'time' && <Instants type={trigger.trigger_type} configuration={config} />}
      {trigger.mode === 'webhook' && <Address id={trigger.id} />}
      {trigger.mode === 'source' && Object.keys(trigger.secrets).length > 0 && <p className="soft">User and password are set among the <Link href="/triggers">triggers</Link>.</p>}
      {trigger.last_fired_at && <p className="soft">Last started {trigger.last_execution_id ? <Link href={`/executions/${trigger.last_execution_id}`}>{since(trigger.last_fired_at)}</Link> : since(trigger.last_fired_at)}.</p>}
    </>
  )
}
