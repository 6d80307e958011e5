// The form of one connection, tested before it is stored.
import { CircleCheck, CircleX, PlugZap } from 'lucide-react'
import { useState } from 'react'
import { ApiError, patch, post, remove } from '../api/client'
import type { FieldError } from '../api/client'
import { client, useConnection } from '../api/queries'
import type { Connection, Connector, Tested, Value } from '../api/types'
import { SchemaForm } from '../form/form'
import { Dialog } from '../kit/dialog'
import { Trouble, Waiting } from '../kit/parts'
import { fail, say } from '../kit/toasts'
import { errorsByPath, initial, missing, sent } from '../lib/schema'

type Props = { connector: Connector; id?: string; onClose: () => void }

export function ConnectionForm(props: Props) {
  return props.id ? <Stored {...props} id={props.id} /> : <Form {...props} />
}

function Stored(props: Props & { id: string }) {
  const { data, error } = useConnection(props.id)
  if (data) return <Form {...props} stored={data} />
  return <Dialog title={props.connector.title} onClose={props.onClose}>{error ? <Trouble error={error} /> : <Waiting what="the connection" />}</Dialog>
}

function Form({ connector, stored, onClose }: Props & { stored?: Connection }) {
  const [name, setName] = useState(stored?.name ?? connector.title)
  const [config, setConfig] = useState<Value>(() => stored?.config ?? ((initial(connector.schema) ?? {}) as Value))
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [tested, setTested] = useState<Tested | null>(stored?.test_result ?? null)
  const [busy, setBusy] = useState('')
  const body = () => sent(connector.schema, config) as Value
  const refused = (error: unknown) => {
    if (!(error instanceof ApiError)) return fail(error)
    const listed = error.details.errors as FieldError[] | undefined
    setErrors(listed?.length ? errorsByPath(listed) : { '': error.message })
    focusFirst()
  }
  const act = async (what: string, work: () => Promise<void>) => {
    const empty = missing(connector.schema, config)
    setErrors(empty)
    if (Object.keys(empty).length) return focusFirst()
    setBusy(what)
    try { await work() } catch (error) { refused(error) } finally { setBusy('') }
  }
  const test = () => act('test', async () => {
    setTested(null)
    setTested(await post<Tested>('/connections/test', { connector: connector.id, config: body(), ...(stored ? { id: stored.id } : {}) }))
  })
  const save = () => act('save', async () => {
    const made = stored
      ? await patch<Connection>(`/connections/${stored.id}`, { name, config: body() }, stored.row_version)
      : await post<Connection>('/connections', { name, connector: connector.id, config: body() })
    await post(`/connections/${made.id}/test`).catch(() => undefined)
    void client.invalidateQueries({ queryKey: ['connections'] })
    void client.invalidateQueries({ queryKey: ['options'] })
    say(`“${made.name}” is stored.`, 'ok')
    onClose()
  })
  const { name: wrongName, ...others } = errors
  return (
    <Dialog title={stored ? stored.name : `New ${connector.title} connection`} size="large" onClose={onClose}>
      <div className="connection">
        <form className="connection-form" autoComplete="off" onSubmit={(event) => { event.preventDefault(); void save() }}>
          <input type="text" autoComplete="username" aria-hidden="true" tabIndex={-1} hidden readOnly value={name} />
          <div className="field"><label htmlFor="connection-name">Name<span className="required" aria-hidden="true"> *</span></label>
            <input id="connection-name" autoComplete="off" value={name} required maxLength={255} aria-invalid={Boolean(wrongName) || undefined} aria-describedby="connection-name-error" onChange={({ target }) => setName(target.value)} />
            <div id="connection-name-error">{wrongName && <p className="field-error" role="alert">{wrongName}</p>}<p className="help">Steps choose the connection by this name.</p></div></div>
          <SchemaForm schema={connector.schema} value={config} onChange={setConfig} errors={others} readOnly={false} scope={connector.id} />
          {tested && <TestCard tested={tested} />}
          <footer className="dialog-foot">
            <button type="button" className="button" disabled={Boolean(busy)} onClick={() => void test()}><PlugZap size={15} aria-hidden="true" />{busy === 'test' ? 'Testing…' : 'Test'}</button>
            <span className="grow" />
            <button type="button" className="button" onClick={onClose}>Cancel</button>
            <button className="button primary" disabled={Boolean(busy) || !name.trim()}>{busy === 'save' ? 'Saving…' : 'Save'}</button>
          </footer>
        </form>
        <aside className="connection-docs" aria-label="About this connector"><h3>About {connector.title}</h3>{connector.docs.split('\n\n').map((part) => <p key={part}>{part}</p>)}<p className="soft">{connector.plugin.distribution} {connector.plugin.version} · proven with: {connector.proof}</p></aside>
      </div>
    </Dialog>
  )
}

/** Lead the eye and the keyboard to the first field that is wrong. */
const focusFirst = () => requestAnimationFrame(() => document.querySelector<HTMLElement>('.connection-form [aria-invalid="true"]')?.focus())

function TestCard({ tested }: { tested: Tested }) {
  return (
    <div className="test-card" data-tone={tested.ok ? 'ok' : 'error'} role="status">
      <strong>{tested.ok ? <CircleCheck size={16} aria-hidden="true" /> : <CircleX size={16} aria-hidden="true" />}{tested.ok ? 'It works' : 'It does not work yet'} <span className="soft">{tested.ms} ms</span></strong>
      <ul>{tested.checks.map((one) => <li key={one.name} data-ok={one.ok}>{one.ok ? <CircleCheck size={14} role="img" aria-label="passed" /> : <CircleX size={14} role="img" aria-label="failed" />}<span><b>{one.name}</b>{one.detail && `: ${one.detail}`}</span></li>)}</ul>
      {tested.hint && <p>{tested.hint}</p>}
    </div>
  )
}

export function DropConnection({ connection, onClose }: { connection: Connection; onClose: () => void }) {
  const [refused, setRefused] = useState('')
  const drop = async (force: boolean) => {
    try {
      await remove(`/connections/${connection.id}${force ? '?force=true' : ''}`)
      void client.invalidateQueries({ queryKey: ['connections'] })
      say(`“${connection.name}” is in the trash.`, 'ok')
      onClose()
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) setRefused(error.message)
      else { fail(error); onClose() }
    }
  }
  return (
    <Dialog title={`Delete “${connection.name}”?`} text="Flows that use it stop working until they choose another." onClose={onClose}>
      {refused && <div className="notice" data-tone="error" role="alert">{refused}</div>}
      <footer className="dialog-foot"><button type="button" className="button" onClick={onClose}>Cancel</button><button type="button" className="button danger" onClick={() => void drop(Boolean(refused))}>{refused ? 'Delete anyway' : 'Delete'}</button></footer>
    </Dialog>
  )
}
