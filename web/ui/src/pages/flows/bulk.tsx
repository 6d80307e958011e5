// What can be done with the chosen flows.
import { FolderInput, Pause, Play, Trash2, X } from 'lucide-react'
import { useState } from 'react'
import { useMay } from '../../app/me'
import { Dialog } from '../../kit/dialog'
import { t } from '../../lib/text'
import { drop, move, setStatus } from './acts'
import { useFolders } from './reads'
import type { Flow } from './reads'
import { inOrder } from './tree'

export function Bulk({ flows, onDone }: { flows: Flow[]; onDone: () => void }) {
  const [moving, setMoving] = useState(false)
  const mayChange = useMay('flow:update')
  const mayDelete = useMay('flow:delete')
  const then = (act: Promise<void>) => void act.then(onDone)
  return (
    <div className="bulk" role="toolbar" aria-label={t('flows.chosen')}>
      <strong>{t('flows.picked', { n: flows.length })}</strong>
      {mayChange && (
        <button type="button" className="button" onClick={() => then(setStatus(flows, 'active'))}>
          <Play size={14} aria-hidden="true" />
          {t('flows.activate')}
        </button>
      )}
      {mayChange && (
        <button type="button" className="button" onClick={() => then(setStatus(flows, 'inactive'))}>
          <Pause size={14} aria-hidden="true" />
          {t('flows.deactivate')}
        </button>
      )}
      {mayChange && (
        <button type="button" className="button" onClick={() => setMoving(true)}>
          <FolderInput size={14} aria-hidden="true" />
          {t('flows.move')}
        </button>
      )}
      {mayDelete && (
        <button type="button" className="button" onClick={() => then(drop(flows))}>
          <Trash2 size={14} aria-hidden="true" />
          {t('flows.delete.short')}
        </button>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={t('flows.unpick')}
        title={t('flows.unpick')}
        onClick={onDone}
      >
        <X size={16} />
      </button>
      {moving && <Move flows={flows} onClose={() => setMoving(false)} onDone={onDone} />}
    </div>
  )
}

function Move({ flows, onClose, onDone }: { flows: Flow[]; onClose: () => void; onDone: () => void }) {
  const places = new Set(flows.map((flow) => flow.workspace_id))
  const [folder, setFolder] = useState('')
  const { data = [] } = useFolders(places.size === 1 ? (flows[0]?.workspace_id ?? '') : '')
  const name = data.find((one) => one.id === folder)?.name ?? t('flows.noFolder')
  return (
    <Dialog
      title={t('flows.moveTo', { n: flows.length })}
      text={places.size > 1 ? t('flows.twoPlaces') : ''}
      onClose={onClose}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          onClose()
          void move(flows, folder || null, name).then(onDone)
        }}
      >
        <div className="field">
          <label htmlFor="move-folder">{t('flows.folder')}</label>
          <select id="move-folder" value={folder} onChange={({ target }) => setFolder(target.value)}>
            <option value="">{t('flows.noFolder')}</option>
            {inOrder(data).map(({ folder: one, depth }) => (
              <option key={one.id} value={one.id}>{`${'\u2003'.repeat(depth)}${one.name}`}</option>
            ))}
          </select>
        </div>
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {t('work.cancel')}
          </button>
          <button className="button primary" disabled={places.size > 1}>
            {t('flows.move')}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
