// All flows: where they lie, what they do, how they last ended; several at once.
import { LayoutGrid, LibraryBig, List, Plus } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { useAddress } from '../app/address'
import { useMay } from '../app/me'
import { useTitle } from '../app/title'
import { Empty, Page, Pages, SearchBox, Trouble, Waiting } from '../kit/parts'
import { t } from '../lib/text'
import { Bulk } from './flows/bulk'
import { Import } from './flows/import'
import { Cards, Table } from './flows/list'
import { NewFlow } from './flows/new'
import { useFlowList } from './flows/reads'
import { Tree } from './flows/tree'
import '../styles/flows.css'

const STATES = ['draft', 'active', 'inactive', 'archived']
const KINDS = ['automation', 'pipeline', 'monitoring']
const VIEW = 'headrace.flows'

export default function Flows() {
  useTitle(t('places.flows'))
  const { get, has, set } = useAddress()
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set())
  const [view, setView] = useState(localStorage.getItem(VIEW) ?? 'cards')
  const may = useMay('flow:create')
  const page = Number(get('page')) || 1
  const asked = {
    q: get('q'),
    status: get('status'),
    kind: get('kind'),
    workspace: get('workspace'),
    folder: get('folder'),
  }
  const { data, error, refetch } = useFlowList(asked, page)
  const flows = data?.data ?? []
  const filtered = Boolean(asked.q || asked.status || asked.kind)
  const chosen = flows.filter(({ id }) => picked.has(id))
  const pick = (id: string) =>
    setPicked((now) => {
      const next = new Set(now)
      if (!next.delete(id)) next.add(id)
      return next
    })
  const show = (one: string) => {
    localStorage.setItem(VIEW, one)
    setView(one)
  }
  const making = has('new')
  const Shown = view === 'list' ? Table : Cards
  const actions = may && (
    <>
      <Import folder={asked.folder} workspace={asked.workspace} />
      <Link href="/templates" className="button">
        <LibraryBig size={15} aria-hidden="true" />
        {t('dashboard.fromTemplate')}
      </Link>
      <button type="button" className="button primary" onClick={() => set({ new: '1', page })}>
        <Plus size={16} aria-hidden="true" />
        {t('app.command.newFlow')}
      </button>
    </>
  )
  const select = (name: 'status' | 'kind', values: string[]) => (
    <select
      aria-label={t(`flows.${name}`)}
      value={asked[name]}
      onChange={({ target }) => set({ [name]: target.value })}
    >
      <option value="">{t(`flows.any.${name}`)}</option>
      {values.map((one) => (
        <option key={one} value={one}>
          {name === 'status' ? t(`work.state.${one}`) : t(`flows.kind.${one}`)}
        </option>
      ))}
    </select>
  )
  return (
    <Page title={t('places.flows')} text={t('flows.about')} actions={actions}>
      <div className="with-tree">
        <Tree
          workspace={asked.workspace}
          folder={asked.folder}
          onChange={(place) => set({ workspace: '', folder: '', ...place })}
        />
        <div>
          <div className="filters">
            <SearchBox label={t('flows.search')} value={asked.q} onChange={(q) => set({ q })} />
            {select('status', STATES)}
            {select('kind', KINDS)}
            <span className="grow" />
            <button
              type="button"
              className="icon-button"
              aria-pressed={view !== 'list'}
              aria-label={t('flows.cards')}
              title={t('flows.cards')}
              onClick={() => show('cards')}
            >
              <LayoutGrid size={16} />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-pressed={view === 'list'}
              aria-label={t('flows.list')}
              title={t('flows.list')}
              onClick={() => show('list')}
            >
              <List size={16} />
            </button>
          </div>
          {error ? (
            <Trouble error={error} again={() => void refetch()} />
          ) : !data ? (
            <Waiting what={t('places.flows')} />
          ) : flows.length === 0 ? (
            <Empty
              title={t(filtered ? 'flows.noMatch' : 'flows.none')}
              text={t(filtered ? 'flows.noMatch.why' : 'flows.none.why')}
            >
              {filtered ? (
                <button type="button" className="button" onClick={() => set({ q: '', status: '', kind: '' })}>
                  {t('flows.clear')}
                </button>
              ) : (
                may && (
                  <Link href="/templates" className="button primary">
                    <LibraryBig size={16} aria-hidden="true" />
                    {t('dashboard.fromTemplate')}
                  </Link>
                )
              )}
            </Empty>
          ) : (
            <Shown flows={flows} picked={picked} onPick={pick} />
          )}
          <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={(next) => set({ page: next })} />
        </div>
      </div>
      {chosen.length > 0 && <Bulk flows={chosen} onDone={() => setPicked(new Set())} />}
      {making && may && (
        <NewFlow workspace={asked.workspace} folder={asked.folder} onClose={() => set({ new: '', page })} />
      )}
    </Page>
  )
}
