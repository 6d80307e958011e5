// All flows, and a new one.
import { Plus, Trash2, Upload } from 'lucide-react'
import { useRef, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { ApiError, post, remove } from '../api/client'
import { client, useExecutions, useFlows } from '../api/queries'
import type { Execution, Flow } from '../api/types'
import { useMay } from '../app/me'
import { useTitle } from '../app/title'
import { Dialog } from '../kit/dialog'
import { Empty, Page, Pages, SearchBox, Trouble, Waiting } from '../kit/parts'
import { fail, say } from '../kit/toasts'
import { State } from '../kit/icon'
import { moment, since } from '../lib/format'

export default function Flows() {
  useTitle('Flows')
  const [q, setQ] = useState('')
  const [page, setPage] = useState(1)
  const [making, setMaking] = useState(false)
  const [dropping, setDropping] = useState<Flow | null>(null)
  const may = useMay('flow:create')
  const mayDelete = useMay('flow:delete')
  const { data, error, refetch } = useFlows(q, page)
  const flows = data?.data ?? []
  const ran = useExecutions({ perPage: 100 })
  const last = new Map<string, Execution>([...(ran.data?.data ?? [])].reverse().map((one) => [one.flow_id, one]))
  const actions = may && (
    <>
      <Import />
      <button type="button" className="button primary" onClick={() => setMaking(true)}><Plus size={16} aria-hidden="true" />New flow</button>
    </>
  )
  return (
    <Page title="Flows" text="Data moves from step to step. Open one to see it, or draw your own." actions={actions}>
      {(q || flows.length > 5) && <SearchBox label="Search flows" value={q} onChange={(text) => { setQ(text); setPage(1) }} />}
      {error ? <Trouble error={error} again={() => void refetch()} /> : !data ? <Waiting what="flows" /> : flows.length === 0 ? (
        <Empty title={q ? 'No flow matches' : 'No flow yet'} text={q ? `Nothing is called “${q}”.` : 'Make the first one; it takes a minute.'}>
          {!q && may && <button type="button" className="button primary" onClick={() => setMaking(true)}><Plus size={16} aria-hidden="true" />New flow</button>}
        </Empty>
      ) : (
        <ul className="cards">
          {flows.map((flow) => (
            <li key={flow.id} className="card card-link">
              <h2><Link href={`/flows/${flow.id}`}>{flow.name}</Link></h2>
              <p className="soft card-text">{flow.description || 'No description.'}</p>
              <p className="card-foot"><span className="badge" data-tone="idle">{flow.kind}</span>
                <Ran last={last.get(flow.id)} />
                {mayDelete && <button type="button" className="icon-button above" aria-label={`Delete ${flow.name}`} onClick={() => setDropping(flow)}><Trash2 size={15} /></button>}</p>
            </li>
          ))}
        </ul>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={setPage} />
      {making && <NewFlow onClose={() => setMaking(false)} />}
      {dropping && <DropFlow flow={dropping} onClose={() => setDropping(null)} />}
    </Page>
  )
}

function Ran({ last }: { last: Execution | undefined }) {
  if (!last) return <span className="soft">never ran</span>
  return <><State name={last.status} /><span className="soft" title={moment(last.queued_at)}>{since(last.queued_at)}</span></>
}

function NewFlow({ onClose }: { onClose: () => void }) {
  const [, go] = useLocation()
  const [name, setName] = useState('')
  const [wrong, setWrong] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const make = async () => {
    try {
      const flow = await post<Flow>('/flows', { name })
      void client.invalidateQueries({ queryKey: ['flows'] })
      go(`/flows/${flow.id}`)
    } catch (error) {
      if (error instanceof ApiError) setWrong(error.fields.name ?? error.message)
      else fail(error)
    }
  }
  return (
    <Dialog title="New flow" onClose={onClose} focus={input}>
      <form onSubmit={(event) => { event.preventDefault(); void make() }}>
        <div className="field"><label htmlFor="flow-name">Name</label>
          <input id="flow-name" ref={input} value={name} maxLength={255} aria-invalid={Boolean(wrong) || undefined} aria-describedby="flow-name-error" onChange={({ target }) => { setName(target.value); setWrong('') }} />
          <div id="flow-name-error">{wrong && <p className="field-error" role="alert">{wrong}</p>}</div></div>
        <footer className="dialog-foot"><button type="button" className="button" onClick={onClose}>Cancel</button><button className="button primary" disabled={!name.trim()}>Create</button></footer>
      </form>
    </Dialog>
  )
}

function DropFlow({ flow, onClose }: { flow: Flow; onClose: () => void }) {
  const drop = async () => {
    try {
      await remove(`/flows/${flow.id}`)
      say(`“${flow.name}” is in the trash.`, 'ok')
      void client.invalidateQueries({ queryKey: ['flows'] })
    } catch (error) { fail(error) }
    onClose()
  }
  return (
    <Dialog title={`Delete “${flow.name}”?`} text="It goes to the trash; its executions stay." onClose={onClose}>
      <footer className="dialog-foot"><button type="button" className="button" onClick={onClose}>Cancel</button><button type="button" className="button danger" onClick={() => void drop()}>Delete</button></footer>
    </Dialog>
  )
}

function Import() {
  const [, go] = useLocation()
  const input = useRef<HTMLInputElement>(null)
  const take = async (file: File | undefined) => {
    if (!file) return
    try {
      const flow = await post<Flow>('/flows/import', { text: await file.text() })
      void client.invalidateQueries({ queryKey: ['flows'] })
      go(`/flows/${flow.id}`)
    } catch (error) { fail(error) }
    if (input.current) input.current.value = ''
  }
  return (
    <>
      <input ref={input} type="file" accept=".yaml,.yml" hidden aria-label="Flow file" onChange={({ target }) => void take(target.files?.[0])} />
      <button type="button" className="button" onClick={() => input.current?.click()}><Upload size={15} aria-hidden="true" />Import</button>
    </>
  )
}
