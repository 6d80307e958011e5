// The form of one trigger, from its schemas; with the next due instants, or the address and its calls.
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Link } from 'wouter'
import { ApiError, get, patch, post } from '../api/client'
import type { FieldError } from '../api/client'
import { useFlows } from '../api/queries'
import type { Trigger, TriggerType } from '../api/triggers'
import type { Value } from '../api/types'
import { SchemaForm } from '../form/form'
import { Address, Calls, Instants } from '../flow/starts'
import { Dialog } from '../kit/dialog'
import { Trouble, Waiting } from '../kit/parts'
import { fail, say } from '../kit/toasts'
import { errorsByPath, initial, missing, sent } from '../lib/schema'

type Props = { type: TriggerType; id?: string | undefined; onClose: () => void }

const FEW = 2

/** Whether a trigger acts, and if not, why. */
export function Standing({ trigger: { error, is_active, armed } }: { trigger: Trigger }) {
  const [tone, word] = error ? ['error', 'In trouble'] : !is_active ? ['idle', 'Paused'] : armed ? ['ok', 'Active'] : ['warn', 'Flow not active']
  return <span className="badge" data-tone={tone}>{word}</span>
}

export function TriggerForm(props: Props) {
  const { data, error } = useQuery({ queryKey: ['trigger', props.id], queryFn: () => get<Trigger>(`/triggers/${props.id}`), enabled: Boolean(props.id), staleTime: 0, gcTime: 0 })
  if (!props.id) return <Form {...props} />
  if (data) return <Form {...props} stored={data} />
  return <Dialog title={props.type.title} onClose={props.onClose}>{error ? <Trouble error={error} /> : <Waiting what="the trigger" />}</Dialog>
}

function Form({ type, stored, onClose }: Props & { stored?: Trigger }) {
  const flows = useFlows()
  const [flow, setFlow] = useState(stored?.flow_id ?? '')
  const [name, setName] = useState(stored?.name ?? '')
  const [config, setConfig] = useState<Value>(() => stored?.configuration ?? ((initial(type.form) ?? {}) as Value))
  const [secrets, setSecrets] = useState<Value>(() => stored?.secrets ?? {})
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const secret = Object.keys(type.secrets.properties ?? {})
  const [asking, setAsking] = useState(!stored && secret.length > 0 && secret.length <= FEW)
  const drawn = Boolean(stored?.node_id)
  useEffect(() => { if (!flow && flows.data?.data.length === 1) setFlow(flows.data.data[0]?.id ?? '') }, [flows.data])
  const save = async () => {
    const empty = { ...missing(type.form, config), ...(flow ? {} : { flow: 'Choose the flow that it starts.' }) }
    setErrors(empty)
    if (Object.keys(empty).length) return
    setBusy(true)
    const hidden = secret.length ? { secrets: sent(type.secrets, secrets) as Value } : {}
    const body = { name, ...hidden, ...(drawn ? {} : { configuration: sent(type.form, config) as Value }) }
    try {
      if (stored) await patch<Trigger>(`/triggers/${stored.id}`, body, stored.row_version)
      else await post<Trigger>(`/flows/${flow}/triggers`, { trigger_type: type.id, ...body })
      say(stored ? 'Saved.' : 'The trigger is made; it acts while its flow is active.', 'ok')
      onClose()
    } catch (error) {
      if (!(error instanceof ApiError)) fail(error)
      else setErrors(wrong(error))
    } finally { setBusy(false) }
  }
  const { flow: noFlow, ...others } = errors
  return (
    <Dialog title={stored ? stored.name || type.title : `New ${type.title}`} size="large" onClose={onClose}>
      <div className="connection">
        <form className="connection-form" autoComplete="off" onSubmit={(event) => { event.preventDefault(); void save() }}>
          {!stored && (
            <div className="field"><label htmlFor="trigger-flow">Flow<span className="required" aria-hidden="true"> *</span></label>
              <select id="trigger-flow" value={flow} aria-invalid={Boolean(noFlow) || undefined} aria-describedby="trigger-flow-error" onChange={({ target }) => setFlow(target.value)}>
                <option value="">Choose a flow…</option>{flows.data?.data.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}</select>
              <div id="trigger-flow-error">{noFlow && <p className="field-error" role="alert">{noFlow}</p>}</div></div>
          )}
          <div className="field"><label htmlFor="trigger-name">Name</label><input id="trigger-name" value={name} maxLength={200} placeholder={type.title} onChange={({ target }) => setName(target.value)} /></div>
          {stored?.mode === 'webhook' && <Address id={stored.id} />}
          {drawn && <p className="notice">It is a step of its flow; change it <Link href={`/flows/${stored?.flow_id}`}>on the canvas</Link>. Its secrets are set here.</p>}
          <fieldset className="bare" disabled={drawn}><SchemaForm schema={type.form} value={config} onChange={setConfig} errors={others} readOnly={drawn} scope={`trigger-${type.id}`} /></fieldset>
          {secret.length > 0 && (
            <details className="advanced" open={asking} onToggle={({ currentTarget }) => setAsking(currentTarget.open)}><summary>Secrets ({secret.length})</summary>
              {asking && <SchemaForm schema={type.secrets} value={secrets} onChange={setSecrets} errors={under(others, 'secrets')} readOnly={false} scope={`secrets-${type.id}`} />}
            </details>
          )}
          <footer className="dialog-foot"><button type="button" className="button" onClick={onClose}>Cancel</button><button className="button primary" disabled={busy}>{busy ? 'Saving…' : 'Save'}</button></footer>
        </form>
        <aside className="connection-docs" aria-label="About this trigger">
          {type.mode === 'time' && <Instants type={type.id} configuration={sent(type.form, config) as Value} ready={!Object.keys(missing(type.form, config)).length} />}
          {stored?.mode === 'webhook' && <Calls id={stored.id} />}
          <h3>About {type.title}</h3><p>{type.summary}</p>{type.docs.split('\n\n').filter(Boolean).map((part) => <p key={part}>{part}</p>)}
        </aside>
      </div>
    </Dialog>
  )
}

const under = (errors: Record<string, string>, name: string) =>
  Object.fromEntries(Object.entries(errors).filter(([path]) => path.startsWith(`${name}.`)).map(([path, said]) => [path.slice(name.length + 1), said]))

function wrong(error: ApiError): Record<string, string> {
  const listed = (error.details.errors as FieldError[] | undefined)?.map(({ path, message }) => ({ path: path.replace(/^configuration\./, ''), message }))
  return listed?.length ? errorsByPath(listed) : { '': error.message }
}
