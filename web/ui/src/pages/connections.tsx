// Connections, the gallery of connectors, and the form of one connection with its test.
import { Plus, Trash2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useConnections, useConnectors } from '../api/queries'
import type { Connection, Connector } from '../api/types'
import { useMay } from '../app/me'
import { Dialog } from '../kit/dialog'
import { State } from '../kit/icon'
import { Tile } from '../kit/tile'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../kit/parts'
import { since } from '../lib/format'
import { ConnectionForm, DropConnection } from './connection'
import { useTitle } from '../app/title'

type Open = { connector: Connector; id?: string }

export default function Connections() {
  useTitle('Connections')
  const [q, setQ] = useState('')
  const [gallery, setGallery] = useState(false)
  const [open, setOpen] = useState<Open | null>(null)
  const [dropping, setDropping] = useState<Connection | null>(null)
  const may = useMay('connection:create')
  const mayDelete = useMay('connection:delete')
  const connections = useConnections()
  const connectors = useConnectors()
  const kinds = new Map(connectors.data?.map((one) => [one.id, one]))
  const error = connections.error ?? connectors.error
  const listed = connections.data?.filter((one) => `${one.name} ${one.connector}`.toLowerCase().includes(q.toLowerCase()))
  const add = may && <button type="button" className="button primary" onClick={() => setGallery(true)}><Plus size={16} aria-hidden="true" />New connection</button>
  return (
    <Page title="Connections" text="How flows reach your systems. Passwords are stored encrypted and never shown again." actions={add}>
      {(connections.data?.length ?? 0) > 5 && <SearchBox label="Search connections" value={q} onChange={setQ} />}
      {error ? <Trouble error={error} again={() => { void connections.refetch(); void connectors.refetch() }} /> : !listed || !connectors.data ? <Waiting what="connections" /> : listed.length === 0 ? (
        <Empty title={q ? 'No connection matches' : 'No connection yet'} text={q ? `Nothing is called “${q}”.` : 'Choose what to connect to; a test says at once whether it works.'}>{!q && add}</Empty>
      ) : (
        <ul className="cards">
          {listed.map((one) => {
            const kind = kinds.get(one.connector)
            return (
              <li key={one.id} className="card card-link">
                <div className="card-top"><Tile icon={kind?.icon ?? ''} kind="connector" title={kind?.title ?? one.connector} />
                  <div><h2>{kind ? <button type="button" className="cover" onClick={() => setOpen({ connector: kind, id: one.id })}>{one.name}</button> : one.name}</h2><p className="soft">{kind?.title ?? `${one.connector} is not installed`}</p></div></div>
                <p className="card-foot"><State name={one.test_status} /><span className="soft">{one.last_tested_at ? `tested ${since(one.last_tested_at)}` : ''}</span>
                  {mayDelete && <button type="button" className="icon-button above" aria-label={`Delete ${one.name}`} onClick={() => setDropping(one)}><Trash2 size={15} /></button>}</p>
              </li>
            )
          })}
        </ul>
      )}
      {gallery && connectors.data && <Gallery connectors={connectors.data} onClose={() => setGallery(false)} onChoose={(connector) => { setGallery(false); setOpen({ connector }) }} />}
      {open && <ConnectionForm key={open.id ?? open.connector.id} connector={open.connector} id={open.id} onClose={() => setOpen(null)} />}
      {dropping && <DropConnection connection={dropping} onClose={() => setDropping(null)} />}
    </Page>
  )
}

function Gallery({ connectors, onClose, onChoose }: { connectors: Connector[]; onClose: () => void; onChoose: (one: Connector) => void }) {
  const [q, setQ] = useState('')
  const [category, setCategory] = useState('')
  const categories = useMemo(() => [...new Set(connectors.map((one) => one.category))].sort(), [connectors])
  const shown = connectors.filter((one) => (!category || one.category === category) && `${one.title} ${one.id} ${one.summary} ${one.category}`.toLowerCase().includes(q.toLowerCase()))
  return (
    <Dialog title="Connect to…" text={`${connectors.length} connectors are installed; each is a Python package.`} size="large" onClose={onClose}>
      <div className="row gallery-filter">
        <SearchBox label="Search connectors" value={q} onChange={setQ} />
        {categories.length > 1 && (
          <div className="segmented" role="radiogroup" aria-label="Category">
            {['', ...categories].map((one) => <label key={one}><input type="radio" name="category" checked={category === one} onChange={() => setCategory(one)} /><span>{one || 'All'}</span></label>)}
          </div>
        )}
      </div>
      {shown.length === 0 && <p className="soft">No connector matches “{q}”.</p>}
      <ul className="cards gallery">
        {shown.map((one) => (
          <li key={one.id} className="card card-link">
            <div className="card-top"><Tile icon={one.icon} kind="connector" title={one.title} /><div><h3><button type="button" className="cover" onClick={() => onChoose(one)}>{one.title}</button></h3><p className="soft">{one.plugin.distribution}</p></div></div>
            <p className="card-text">{one.summary}</p>
            <p className="card-foot">{one.capabilities.map((can) => <span key={can} className="badge" data-tone="idle">{can}</span>)}</p>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
