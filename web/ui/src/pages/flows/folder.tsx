// What one does to a folder: another name, or away with it and all that lies in it.
import { useState } from 'react'
import { call } from '../../api/call'
import { client } from '../../api/queries'
import { useMay } from '../../app/me'
import { Ask } from '../../kit/ask'
import { MoreMenu } from '../../kit/more-menu'
import { say } from '../../kit/toasts'
import { t } from '../../lib/text'
import { Named } from './new'
import { stale } from './reads'
import type { Folder } from './reads'

const again = () => {
  stale()
  return client.invalidateQueries({ queryKey: ['folders'] })
}

export function FolderMenu({ folder, onGone }: { folder: Folder; onGone: () => void }) {
  const [doing, setDoing] = useState('')
  const mayRename = useMay('folder:update')
  const mayDelete = useMay('folder:delete')
  const close = () => setDoing('')
  const rename = async (name: string) => {
    await call('PATCH /folders/{folder_id}', {
      path: { folder_id: folder.id },
      body: { name },
      version: folder.row_version,
    })
    await again()
    close()
  }
  const drop = async () => {
    await call('DELETE /folders/{folder_id}', { path: { folder_id: folder.id } })
    onGone()
    await again()
    say(t('flows.folderGone', { name: folder.name }), 'ok')
  }
  const acts = [
    ...(mayRename ? [{ word: t('flows.rename'), run: () => setDoing('rename') }] : []),
    ...(mayDelete ? [{ word: t('flows.delete.short'), run: () => setDoing('delete') }] : []),
  ]
  return (
    <>
      <MoreMenu label={t('flows.folderActs', { name: folder.name })} acts={acts} />
      {doing === 'rename' && (
        <Named
          title={t('flows.renameFolder', { name: folder.name })}
          label={t('flows.name')}
          word={t('flows.rename')}
          first={folder.name}
          make={rename}
          onClose={close}
        />
      )}
      {doing === 'delete' && (
        <Ask
          title={t('flows.dropFolder', { name: folder.name })}
          text={t('flows.dropFolder.why')}
          word={t('flows.delete.short')}
          onAct={drop}
          onClose={close}
        />
      )}
    </>
  )
}
