// Approvals: what waits for a decision, the form of one, and what was decided.
import { ChevronLeft } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { useApprovals } from '../api/queries'
import type { Value, Wait } from '../api/types'
import { Decide } from '../flow/waiting'
import { State } from '../kit/icon'
import { Empty, Page, Trouble, Waiting } from '../kit/parts'
import { moment, since, until } from '../lib/format'
import { useTitle } from '../app/title'
import { useLocation } from 'wouter'

const VIEWS: [string, string][] = [['open', 'Open'], ['resumed', 'Decided'], ['expired', 'Too late'], ['cancelled', 'Cancelled']]

export default function Approvals({ id = '' }: { id?: string }) {
  useTitle('Approvals')
  const [status, setStatus] = useState('open')
  const [, go] = useLocation()
  const { data, error, refetch } = useApprovals(status)
  const chosen = data?.find((one) => one.id === id)
  const shown = chosen ?? (id ? undefined : data?.[0])
  return (
    <Page title="Approvals" text="Flows that stop and ask. They hold no worker while they wait.">
      <div className="segmented filter" role="radiogroup" aria-label="State">
        {VIEWS.map(([value, word]) => <label key={value}><input type="radio" name="status" checked={status === value} onChange={() => { setStatus(value); go('/approvals') }} /><span>{word}</span></label>)}
      </div>
      {error ? <Trouble error={error} again={() => void refetch()} /> : !data ? <Waiting what="approvals" /> : data.length === 0 && !id ? (
        <Empty title={status === 'open' ? 'Nothing waits for a decision' : 'None in this state'} text={status === 'open' ? 'When a flow comes to an Approval step, its question shows here.' : 'Decisions are listed here with their answers.'}>
          {status === 'open' && <Link href="/flows" className="button">All flows</Link>}
        </Empty>
      ) : (
        <div className="approvals" data-one={Boolean(id) || undefined}>
          <ul className="card approval-list" aria-label="Approvals">
            {data.map((one) => (
              <li key={one.id}>
                <Link href={`/approvals/${one.id}`} aria-current={one.id === shown?.id ? 'true' : undefined}>
                  <strong>{one.title || one.node_id}</strong><span className="soft">{one.flow_name}</span>
                  <span className="soft approval-when" title={moment(one.created_at)}>{one.deadline_at && one.status === 'open' ? `until ${until(one.deadline_at)}` : since(one.resolved_at ?? one.created_at)}</span>
                </Link>
              </li>
            ))}
          </ul>
          <section className="card approval" aria-label="Approval">
            {id && <Link href="/approvals" className="button only-small approval-back"><ChevronLeft size={15} aria-hidden="true" />All approvals</Link>}
            {shown ? <Detail key={shown.id} wait={shown} onDone={() => go('/approvals')} /> : <Empty title="This approval is over, or elsewhere" text="Somebody may have decided, or it is listed in another state."><Link href="/approvals" className="button">All approvals</Link></Empty>}
          </section>
        </div>
      )}
    </Page>
  )
}

function Detail({ wait, onDone }: { wait: Wait; onDone: () => void }) {
  const facts: [string, React.ReactNode][] = [
    ['Flow', <Link key="flow" href={`/flows/${wait.flow_id}`}>{wait.flow_name}</Link>], ['Asked', moment(wait.created_at)],
    ['Until', wait.deadline_at ? moment(wait.deadline_at) : 'without end'], ['Who', wait.assignees.join(', ') || 'whoever may approve'],
  ]
  return (
    <>
      <header className="approval-head"><h2>{wait.title || wait.node_id}</h2><State name={wait.status === 'resumed' ? (wait.payload?.approved ? 'approved' : 'rejected') : wait.status} /></header>
      <dl className="approval-facts">{facts.map(([word, value]) => <div key={word}><dt>{word}</dt><dd>{value}</dd></div>)}</dl>
      {wait.status === 'open' ? <Decide wait={wait} onDone={onDone} /> : <Answers wait={wait} />}
      <p className="approval-more"><Link href={`/executions/${wait.execution_id}`}>Open the execution</Link></p>
    </>
  )
}

function Answers({ wait }: { wait: Wait }) {
  const given = Object.entries((wait.payload ?? {}) as Value).filter(([name]) => name !== 'approved')
  return (
    <>
      {wait.message && <p className="decide-message">{wait.message}</p>}
      {given.length > 0 && <dl className="approval-facts" aria-label="Answers">{given.map(([name, value]) => <div key={name}><dt>{wait.form.properties?.[name]?.title ?? name}</dt><dd>{value === true ? 'yes' : value === false ? 'no' : String(value ?? '–')}</dd></div>)}</dl>}
      {wait.resolved_at && <p className="soft">{wait.status === 'resumed' ? 'Decided' : 'Ended'} {moment(wait.resolved_at)}.</p>}
    </>
  )
}
