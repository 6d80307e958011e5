// A flow from a file, or flows from another system.
import { Menu } from '@base-ui/react/menu'
import { Upload } from 'lucide-react'
import { useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { call } from '../../api/call'
import { useConnectors } from '../../api/queries'
import { fail } from '../../kit/toasts'
import { t } from '../../lib/text'
import { FromN8n } from './n8n'
import { stale } from './reads'

export function Import({ workspace, folder }: { workspace: string; folder: string }) {
  const [, go] = useLocation()
  const input = useRef<HTMLInputElement>(null)
  const [asking, setAsking] = useState(false)
  const { data: connectors = [] } = useConnectors()
  const n8n = connectors.find(({ id }) => id === 'n8n')
  const take = async (file: File | undefined) => {
    if (!file) return
    try {
      const flow = await call('POST /flows/import', {
        body: {
          text: await file.text(),
          ...(workspace ? { workspace_id: workspace } : {}),
          ...(folder ? { folder_id: folder } : {}),
        },
      })
      stale()
      go(`/flows/${flow.id}`)
    } catch (error) {
      fail(error)
    }
    if (input.current) input.current.value = ''
  }
  return (
    <>
      <input
        ref={input}
        type="file"
        accept=".yaml,.yml"
        hidden
        aria-label={t('flows.file')}
        onChange={({ target }) => void take(target.files?.[0])}
      />
      <Menu.Root>
        <Menu.Trigger className="button">
          <Upload size={15} aria-hidden="true" />
          {t('flows.import')}
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner className="above-all" sideOffset={4} align="end">
            <Menu.Popup className="menu">
              <Menu.Item onClick={() => input.current?.click()}>{t('flows.import.file')}</Menu.Item>
              {n8n && <Menu.Item onClick={() => setAsking(true)}>{t('flows.import.n8n')}</Menu.Item>}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {asking && n8n && (
        <FromN8n connector={n8n} workspace={workspace} folder={folder} onClose={() => setAsking(false)} />
      )}
    </>
  )
}
