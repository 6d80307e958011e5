// Flows as cards or as a list, each with a box to choose it.
import { Trash2 } from 'lucide-react'
import { Link } from 'wouter'
import { useMay } from '../../app/me'
import { State } from '../../kit/icon'
import { moment, since } from '../../lib/format'
import { t } from '../../lib/text'
import { drop } from './acts'
import { useLast } from './reads'
import type { Flow } from './reads'

type Props = { flows: Flow[]; picked: ReadonlySet<string>; onPick: (id: string) => void }
type Last = { status: string; at: string }

function useLastOf(): Map<string, Last> {
  const list = useLast().data ?? []
  return new Map(
    [...list].reverse().map((one) => [String(one.flow_id), { status: String(one.status), at: String(one.queued_at) }]),
  )
}

function Box({ flow, picked, onPick }: { flow: Flow } & Omit<Props, 'flows'>) {
  if (!useMay('flow:update')) return null
  return (
    <input
      type="checkbox"
      className="above"
      aria-label={t('flows.choose', { name: flow.name })}
      checked={picked.has(flow.id)}
      onChange={() => onPick(flow.id)}
    />
  )
}
function Drop({ flow }: { flow: Flow }) {
  return (
    <button
      type="button"
      className="icon-button above"
      aria-label={t('flows.delete', { name: flow.name })}
      title={t('flows.delete.short')}
      onClick={() => void drop([flow])}
    >
      <Trash2 size={15} />
    </button>
  )
}
function Ran({ last }: { last: Last | undefined }) {
  if (!last) return <span className="soft">{t('flows.neverRan')}</span>
  return (
    <>
      <State name={last.status} />
      <span className="soft" title={moment(last.at)}>
        {since(last.at)}
      </span>
    </>
  )
}

export function Cards({ flows, ...pick }: Props) {
  const last = useLastOf()
  const mayDelete = useMay('flow:delete')
  return (
    <ul className="cards">
      {flows.map((flow) => (
        <li key={flow.id} className="card card-link flow-card" data-picked={pick.picked.has(flow.id) || undefined}>
          <div className="flow-top">
            <h2>
              <Link href={`/flows/${flow.id}`}>{flow.name}</Link>
            </h2>
            <span className="flow-tools">
              {mayDelete && <Drop flow={flow} />}
              <Box flow={flow} {...pick} />
            </span>
          </div>
          <p className="soft card-text">{flow.description || t('flows.noText')}</p>
          <p className="card-foot">
            {flow.status !== 'draft' && <State name={flow.status} />}
            <span className="badge">{t(`flows.kind.${flow.kind}`)}</span>
            <Ran last={last.get(flow.id)} />
          </p>
        </li>
      ))}
    </ul>
  )
}

export function Table({ flows, ...pick }: Props) {
  const last = useLastOf()
  const mayDelete = useMay('flow:delete')
  return (
    <div className="card table-card" tabIndex={0} role="region" aria-label={t('places.flows')}>
      <table className="list flow-table">
        <thead>
          <tr>
            <th>
              <span className="sr">{t('flows.chosen')}</span>
            </th>
            <th scope="col">{t('flows.name')}</th>
            <th scope="col">{t('flows.last')}</th>
            <th scope="col">{t('flows.status')}</th>
            <th scope="col">{t('flows.kind')}</th>
            <th scope="col">{t('flows.changed')}</th>
            <th>
              <span className="sr">{t('flows.acts')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {flows.map((flow) => (
            <tr key={flow.id}>
              <td>
                <Box flow={flow} {...pick} />
              </td>
              <td>
                <Link href={`/flows/${flow.id}`}>{flow.name}</Link>
                {flow.description && <span className="soft list-error">{flow.description}</span>}
              </td>
              <td>
                <span className="row">
                  <Ran last={last.get(flow.id)} />
                </span>
              </td>
              <td>
                <State name={flow.status} />
              </td>
              <td className="soft">{t(`flows.kind.${flow.kind}`)}</td>
              <td className="soft">
                <time dateTime={flow.updated_at} title={moment(flow.updated_at)}>
                  {since(flow.updated_at)}
                </time>
              </td>
              <td className="list-acts">{mayDelete && <Drop flow={flow} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
