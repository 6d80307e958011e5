// Workspaces with their folders: where flows lie.
import { Boxes, ChevronDown, ChevronRight, Folder as FolderIcon, FolderPlus, Layers } from 'lucide-react'
import { useState } from 'react'
import { useMay } from '../../app/me'
import { t } from '../../lib/text'
import { FolderMenu } from './folder'
import { NewFolder } from './new'
import { useFolders, useWorkspaces } from './reads'
import type { Folder, Place } from './reads'

type Props = { workspace: string; folder: string; onChange: (place: Place) => void }

/** Folders as a tree reads: each under its parent, by name. */
export function inOrder(
  folders: Folder[],
  parent: string | null = null,
  depth = 0,
): { folder: Folder; depth: number }[] {
  return folders
    .filter((one) => one.parent_id === parent)
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((folder) => [{ folder, depth }, ...inOrder(folders, folder.id, depth + 1)])
}

export function Tree({ workspace, folder, onChange }: Props) {
  const { data = [] } = useWorkspaces()
  return (
    <nav className="tree" aria-label={t('flows.places')}>
      <ul>
        <li>
          <button
            type="button"
            className="tree-item"
            aria-current={!workspace && !folder ? 'true' : undefined}
            onClick={() => onChange({})}
          >
            <Boxes size={16} aria-hidden="true" />
            <span>{t('app.allFlows')}</span>
          </button>
        </li>
        {data.map((one) => (
          <Branch
            key={one.id}
            id={one.id}
            name={one.name}
            few={data.length < 4}
            workspace={workspace}
            folder={folder}
            onChange={onChange}
          />
        ))}
      </ul>
    </nav>
  )
}

function Branch({ id, name, few, workspace, folder, onChange }: Props & { id: string; name: string; few: boolean }) {
  const [open, setOpen] = useState(few || workspace === id)
  const [making, setMaking] = useState(false)
  const may = useMay('folder:create')
  const { data: folders = [] } = useFolders(open ? id : '')
  return (
    <li>
      <div className="tree-row">
        <button
          type="button"
          className="tree-item"
          aria-current={workspace === id && !folder ? 'true' : undefined}
          onClick={() => {
            setOpen(true)
            onChange({ workspace: id })
          }}
        >
          <Layers size={16} aria-hidden="true" />
          <span>{name}</span>
        </button>
        {may && (
          <button
            type="button"
            className="icon-button tree-add"
            aria-label={t('flows.newFolderIn', { name })}
            title={t('flows.newFolder')}
            onClick={() => setMaking(true)}
          >
            <FolderPlus size={15} />
          </button>
        )}
        {(!open || folders.length > 0) && (
          <button
            type="button"
            className="icon-button tree-add"
            aria-expanded={open}
            aria-label={t('flows.foldersOf', { name })}
            onClick={() => setOpen(!open)}
          >
            {open ? <ChevronDown size={15} /> : <ChevronRight size={15} />}
          </button>
        )}
      </div>
      {open && folders.length > 0 && (
        <ul>
          {inOrder(folders).map(({ folder: one, depth }) => (
            <li key={one.id} className="tree-row" style={{ paddingLeft: 14 * (depth + 1) }}>
              <button
                type="button"
                className="tree-item"
                aria-current={folder === one.id ? 'true' : undefined}
                onClick={() => onChange({ workspace: id, folder: one.id })}
              >
                <FolderIcon size={15} aria-hidden="true" />
                <span>{one.name}</span>
              </button>
              {folder === one.id && <FolderMenu folder={one} onGone={() => onChange({ workspace: id })} />}
            </li>
          ))}
        </ul>
      )}
      {making && <NewFolder workspace={id} parent={workspace === id ? folder : ''} onClose={() => setMaking(false)} />}
    </li>
  )
}
