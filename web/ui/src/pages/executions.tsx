// Executions of all flows, newest first.
import { CircleStop } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { client, useExecutions, useFlows } from '../api/queries'
import { useMay } from '../app/me'
import { ENDED, cancel } from '../flow/run'
import { State } from '../kit/icon'
import { Empty, Page, Pages, Trouble, Waiting } from '../kit/parts'
import { fail, say } from '../kit/toasts'
import { count, moment, since, took } from '../lib/format'
import { useTitle } from '../app/title'

const STATES: [string, string][] = [['', 'All'], ['running', 'Running'], ['waiting', 'Waiting'], ['queued', 'Queued'], ['completed', 'Succeeded'], ['failed', 'Failed'], ['cancelled', 'Cancelled']]
export const TRIGGERS: Record<string, string> = { manual: 'By hand', test: 'Test', api: 'API', scheduled: 'Schedule', webhook: 'Webhook', event: 'Event', flow: 'Another flow', job: 'Job', retry: 'Again', backfill: 'Backfill' }

export default function Executions() {
  useTitle('Executions')
  const [status, setStatus] = useState('')
  const [trigger, setTrigger] = useState('')
  const [page, setPage] = useState(1)
  const may = useMay('execution:cancel')
  const stop = (id: string) => void cancel(id).then(() => { say('It is told to stop.', 'ok'); void client.invalidateQueries({ queryKey: ['executions'] }) }).catch(fail)
  const { data, error, refetch } = useExecutions({ status, trigger, page })
  const flows = useFlows()
  const names = new Map(flows.data?.data.map((flow) => [flow.id, flow.name]))
  return (
    <Page title="Executions" text="What ran, when, and how it ended.">
      <div className="filters">
      <div className="segmented filter" role="radiogroup" aria-label="State">
        {STATES.map(([value, word]) => <label key={value}><input type="radio" name="status" checked={status === value} onChange={() => { setStatus(value); setPage(1) }} /><span>{word}</span></label>)}
      </div>
      <label className="row"><span className="soft">Started by</span><select value={trigger} onChange={({ target }) => { setTrigger(target.value); setPage(1) }}><option value="">anything</option>{Object.entries(TRIGGERS).map(([value, word]) => <option key={value} value={value}>{word}</option>)}</select></label>
      </div>
      {error ? <Trouble error={error} again={() => void refetch()} /> : !data ? <Waiting what="executions" /> : data.data.length === 0 ? (
        <Empty title={status || trigger ? 'None of these' : 'Nothing ran yet'} text={status || trigger ? 'No execution is in this state and was started so.' : 'Open a flow and run it.'}><Link href="/flows" className="button primary">All flows</Link></Empty>
      ) : (
        <div className="card table-card" tabIndex={0} role="region" aria-label="Executions">
          <table className="list">
            <thead><tr><th scope="col">Flow</th><th scope="col">State</th><th scope="col">Started</th><th scope="col">By</th><th scope="col" data-numeric>Took</th><th scope="col" data-numeric>Rows</th></tr></thead>
            <tbody>
              {data.data.map((one) => (
                <tr key={one.id}>
                  <td><Link href={`/executions/${one.id}`}>{names.get(one.flow_id) ?? 'A deleted flow'}</Link>{one.error && <span className="soft list-error">{one.error.message}</span>}</td>
                  <td><State name={one.held ? 'held' : one.status} />{may && !ENDED.has(one.status) && one.status !== 'cancelling' && <button type="button" className="icon-button list-stop" aria-label={`Stop ${names.get(one.flow_id) ?? 'it'}`} title="Stop" onClick={() => stop(one.id)}><CircleStop size={15} /></button>}</td>
                  <td><time dateTime={one.started_at ?? one.queued_at} title={moment(one.started_at ?? one.queued_at)}>{since(one.started_at ?? one.queued_at)}</time></td>
                  <td className="soft">{TRIGGERS[one.trigger_type] ?? one.trigger_type}</td>
                  <td data-numeric>{one.duration_ms === null ? '–' : took(one.duration_ms)}</td>
                  <td data-numeric>{count(one.rows_processed)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={setPage} />
    </Page>
  )
}
