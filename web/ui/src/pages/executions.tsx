// Executions of all flows, newest first.
import { useState } from 'react'
import { Link } from 'wouter'
import { useExecutions, useFlows } from '../api/queries'
import { State } from '../kit/icon'
import { Empty, Page, Pages, Trouble, Waiting } from '../kit/parts'
import { count, moment, since, took } from '../lib/format'
import { useTitle } from './flows'

const STATES: [string, string][] = [['', 'All'], ['running', 'Running'], ['completed', 'Succeeded'], ['failed', 'Failed'], ['cancelled', 'Cancelled']]

export function Executions() {
  useTitle('Executions')
  const [status, setStatus] = useState('')
  const [page, setPage] = useState(1)
  const { data, error, refetch } = useExecutions({ status, page })
  const flows = useFlows()
  const names = new Map(flows.data?.data.map((flow) => [flow.id, flow.name]))
  return (
    <Page title="Executions" text="What ran, when, and how it ended.">
      <div className="segmented filter" role="radiogroup" aria-label="State">
        {STATES.map(([value, word]) => <label key={value}><input type="radio" name="status" checked={status === value} onChange={() => { setStatus(value); setPage(1) }} /><span>{word}</span></label>)}
      </div>
      {error ? <Trouble error={error} again={() => void refetch()} /> : !data ? <Waiting what="executions" /> : data.data.length === 0 ? (
        <Empty title={status ? 'None in this state' : 'Nothing ran yet'} text="Open a flow and run it."><Link href="/flows" className="button primary">All flows</Link></Empty>
      ) : (
        <div className="card table-card" tabIndex={0} role="region" aria-label="Executions">
          <table className="list">
            <thead><tr><th scope="col">Flow</th><th scope="col">State</th><th scope="col">Started</th><th scope="col" data-numeric>Took</th><th scope="col" data-numeric>Rows</th></tr></thead>
            <tbody>
              {data.data.map((one) => (
                <tr key={one.id}>
                  <td><Link href={`/executions/${one.id}`}>{names.get(one.flow_id) ?? 'A deleted flow'}</Link>{one.error && <span className="soft list-error">{one.error.message}</span>}</td>
                  <td><State name={one.status} /></td>
                  <td><time dateTime={one.started_at ?? one.queued_at} title={moment(one.started_at ?? one.queued_at)}>{since(one.started_at ?? one.queued_at)}</time></td>
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
