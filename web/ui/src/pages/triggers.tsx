// Triggers of all flows: what starts them, when next, what came of it last.
import { Pause, Play, Plus, Trash2, Zap } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { patch, post, remove } from '../api/client'
import { client, useFlows } from '../api/queries'
import { useTriggers, useTriggerTypes } from '../api/triggers'
import type { Trigger, TriggerType } from '../api/triggers'
import { useMay } from '../app/me'
import { Dialog } from '../kit/dialog'
import { Empty, Page, Pages, Trouble, Waiting } from '../kit/parts'
import { Tile } from '../kit/tile'
import { fail, say } from '../kit/toasts'
import { moment, since, until } from '../lib/format'
import { useTitle } from '../app/title'
import { Standing, TriggerForm } from './trigger'

type Open = { type: TriggerType; id?: string }
const again = () => void client.invalidateQueries({ queryKey: ['triggers'] })

export default function Triggers() {
  useTitle('Triggers')
  const [page, setPage] = useState(1)
  const [choosing, setChoosing] = useState(false)
  const [open, setOpen] = useState<Open | null>(null)
  const [dropping, setDropping] = useState<Trigger | null>(null)
  const may = useMay('trigger:create')
  const { data, error, refetch } = useTriggers(page)
  const types = useTriggerTypes()
  const flows = useFlows()
  const kinds = new Map(types.data?.map((one) => [one.id, one]))
  const names = new Map(flows.data?.data.map((flow) => [flow.id, flow.name]))
  const add = may && <button type="button" className="button primary" onClick={() => setChoosing(true)}><Plus size={16} aria-hidden="true" />New trigger</button>
  const wrong = error ?? types.error
  return (
    <Page title="Triggers" text="What starts flows by itself. A trigger acts while it and its flow are active." actions={add}>
      {wrong ? <Trouble error={wrong} again={() => { void refetch(); void types.refetch() }} /> : !data || !types.data ? <Waiting what="triggers" /> : data.data.length === 0 ? (
        <Empty title="Nothing starts by itself yet" text="Add a schedule, a webhook or a message queue here, or put a trigger step at the beginning of a flow.">{add}</Empty>
      ) : (
        <div className="card table-card" tabIndex={0} role="region" aria-label="Triggers">
          <table className="list">
            <thead><tr><th scope="col">Trigger</th><th scope="col">State</th><th scope="col">Flow</th><th scope="col">Next</th><th scope="col">Last</th><th scope="col"><span className="sr">Actions</span></th></tr></thead>
            <tbody>{data.data.map((one) => <Row key={one.id} trigger={one} type={kinds.get(one.trigger_type)} flow={names.get(one.flow_id)} onOpen={(type) => setOpen({ type, id: one.id })} onDrop={() => setDropping(one)} />)}</tbody>
          </table>
        </div>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={setPage} />
      {choosing && types.data && <Kinds types={types.data.filter((one) => one.mode !== 'manual')} onClose={() => setChoosing(false)} onChoose={(type) => { setChoosing(false); setOpen({ type }) }} />}
      {open && <TriggerForm key={open.id ?? open.type.id} type={open.type} id={open.id} onClose={() => { setOpen(null); again() }} />}
      {dropping && <DropTrigger trigger={dropping} onClose={() => setDropping(null)} />}
    </Page>
  )
}

type RowProps = { trigger: Trigger; type: TriggerType | undefined; flow: string | undefined; onOpen: (type: TriggerType) => void; onDrop: () => void }

function Row({ trigger: one, type, flow, onOpen, onDrop }: RowProps) {
  const mayChange = useMay('trigger:update')
  const mayDelete = useMay('trigger:delete')
  const mayRun = useMay('flow:execute')
  const title = one.name || type?.title || one.trigger_type
  const act = (work: Promise<unknown>, said: string) => void work.then(() => { say(said, 'ok'); again() }).catch(fail)
  const turn = () => act(patch(`/triggers/${one.id}`, { is_active: !one.is_active }, one.row_version), one.is_active ? `“${title}” is paused.` : `“${title}” goes on.`)
  return (
    <tr>
      <td><span className="row trigger-name"><Tile icon={type?.icon ?? ''} kind="trigger" title={type?.title ?? '?'} small />
        <span>{type ? <button type="button" className="cell-link" onClick={() => onOpen(type)}>{title}</button> : title}{type ? one.name && <span className="soft list-error">{type.title}</span> : <span className="soft list-error">{one.trigger_type} is not installed</span>}</span></span></td>
      <td><Standing trigger={one} />{one.error && <span className="soft list-error" title={one.error}>{one.error}</span>}</td>
      <td><Link href={`/flows/${one.flow_id}`}>{flow ?? 'Flow'}</Link></td>
      <td>{one.armed && one.next_fire_at ? <time dateTime={one.next_fire_at} title={moment(one.next_fire_at)}>{until(one.next_fire_at)}</time> : <span className="soft">–</span>}</td>
      <td>{one.last_fired_at ? (one.last_execution_id ? <Link href={`/executions/${one.last_execution_id}`}>{since(one.last_fired_at)}</Link> : since(one.last_fired_at)) : <span className="soft">never</span>}</td>
      <td><span className="row list-acts">
        {one.mode === 'time' && mayRun && <button type="button" className="icon-button" aria-label={`Run ${title} now`} title="Run now" onClick={() => act(post(`/schedules/${one.id}/run`), 'Started.')}><Zap size={15} /></button>}
        {mayChange && <button type="button" className="icon-button" aria-label={one.is_active ? `Pause ${title}` : `Resume ${title}`} title={one.is_active ? 'Pause' : 'Resume'} onClick={turn}>{one.is_active ? <Pause size={15} /> : <Play size={15} />}</button>}
        {mayDelete && !one.node_id && <button type="button" className="icon-button" aria-label={`Delete ${title}`} title="Delete" onClick={onDrop}><Trash2 size={15} /></button>}
      </span></td>
    </tr>
  )
}

function Kinds({ types, onClose, onChoose }: { types: TriggerType[]; onClose: () => void; onChoose: (type: TriggerType) => void }) {
  return (
    <Dialog title="Start a flow…" size="large" onClose={onClose}>
      <ul className="cards gallery">
        {types.map((one) => (
          <li key={one.id} className="card card-link">
            <div className="card-top"><Tile icon={one.icon} kind="trigger" title={one.title} /><div><h3><button type="button" className="cover" onClick={() => onChoose(one)}>{one.title}</button></h3></div></div>
            <p className="card-text soft">{one.summary}</p>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

function DropTrigger({ trigger, onClose }: { trigger: Trigger; onClose: () => void }) {
  const drop = () => void remove(`/triggers/${trigger.id}`).then(() => { say('The trigger is deleted.', 'ok'); again() }).catch(fail).finally(onClose)
  return (
    <Dialog title={`Delete “${trigger.name || trigger.trigger_type}”?`} text="It starts nothing any more; executions that it started stay." onClose={onClose}>
      <footer className="dialog-foot"><button type="button" className="button" onClick={onClose}>Cancel</button><button type="button" className="button danger" onClick={drop}>Delete</button></footer>
    </Dialog>
  )
}
