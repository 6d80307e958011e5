// What was deleted and can come back, the latest first; what went with something comes back with it.
import { useQuery } from '@tanstack/react-query'
import { Cable, FolderClosed, FolderOpen, ListTree, RotateCcw, Workflow } from 'lucide-react'
import { call } from '../api/call'
import { stale } from '../api/mine'
import { request } from '../api/client'
import type { Deletion } from '../api/types.gen'
import { useAddress } from '../app/address'
import { useMe } from '../app/me'
import { useTitle } from '../app/title'
import { Empty, Page, Pages, Trouble, Waiting } from '../kit/parts'
import { NotYours } from '../kit/section'
import { fail, say } from '../kit/toasts'
import { moment, since } from '../lib/format'
import { t } from '../lib/text'
import '../styles/admin.css'

const ICONS = { connection: Cable, workspace: FolderOpen, folder: FolderClosed, job: ListTree, job_package: ListTree }
const wordOf = (kind: string) => t(`trash.kind.${kind in ICONS ? kind : 'flow'}`)

function back({ kind, id }: Deletion): Promise<unknown> {
  if (kind === 'workspace') return call('POST /workspaces/{workspace_id}/restore', { path: { workspace_id: id } })
  if (kind === 'folder') return call('POST /folders/{folder_id}/restore', { path: { folder_id: id } })
  if (kind === 'connection') return call('POST /connections/{connection_id}/restore', { path: { connection_id: id } })
  return call('POST /flows/{flow_id}/restore', { path: { flow_id: id } })
}

export default function Trash() {
  useTitle(t('places.trash'))
  const me = useMe()
  const { get, set } = useAddress()
  const page = Number(get('page')) || 1
  const may = me?.permissions.includes('flow:restore') ?? false
  const { data, error, refetch } = useQuery({
    queryKey: ['deletions', page],
    queryFn: () => request<Deletion[]>('GET', `/deletions?per_page=50&page=${page}`),
    enabled: may,
  })
  const restore = (one: Deletion) =>
    void back(one)
      .then(async () => {
        await stale('deletions', 'flows', 'folders', 'workspaces', 'jobs', 'connections')
        say(t('trash.restored', { name: one.name }), 'ok')
      })
      .catch(fail)
  return (
    <Page title={t('places.trash')} text={t('trash.text')}>
      {!me ? (
        <Waiting what={t('places.trash')} />
      ) : !may ? (
        <NotYours permission="flow:restore" />
      ) : error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('places.trash')} />
      ) : data.data.length === 0 ? (
        <Empty title={t('trash.empty')} text={t('trash.empty.text')} />
      ) : (
        <div className="card section">
          <ul className="lines" aria-label={t('places.trash')}>
            {data.data.map((one) => (
              <Line key={one.id} one={one} onRestore={() => restore(one)} />
            ))}
          </ul>
        </div>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={(next) => set({ page: next })} />
    </Page>
  )
}

function Line({ one, onRestore }: { one: Deletion; onRestore: () => void }) {
  const Icon = ICONS[one.kind as keyof typeof ICONS] ?? Workflow
  const facts = [
    wordOf(one.kind),
    ...(one.place ? [t('trash.in', { place: one.place })] : []),
    ...(one.flows ? [t('trash.with', { n: one.flows })] : []),
  ]
  return (
    <li>
      <span className="line-icon">
        <Icon size={17} aria-hidden="true" />
      </span>
      <span className="line-text">
        <strong>{one.name}</strong>
        <span className="soft">{facts.join(' · ')}</span>
      </span>
      <span className="soft line-aside" title={moment(one.deleted_at)}>
        {t('trash.deleted', { when: since(one.deleted_at) })}
      </span>
      <button
        type="button"
        className="button"
        aria-label={t('trash.restoreOf', { name: one.name })}
        onClick={onRestore}
      >
        <RotateCcw size={15} aria-hidden="true" />
        {t('trash.restore')}
      </button>
    </li>
  )
}
