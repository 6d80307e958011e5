// A flow from a file.
import { Upload } from 'lucide-react'
import { useRef } from 'react'
import { useLocation } from 'wouter'
import { call } from '../../api/call'
import { fail } from '../../kit/toasts'
import { t } from '../../lib/text'
import { stale } from './reads'

export function Import({ workspace, folder }: { workspace: string; folder: string }) {
  const [, go] = useLocation()
  const input = useRef<HTMLInputElement>(null)
  const take = async (file: File | undefined) => {
    if (!file) return
    try {
      const flow = await call('POST /flows/import', { body: { text: await file.text(), ...(workspace ? { workspace_id: workspace } : {}), ...(folder ? { folder_id: folder } : {}) } })
      stale()
      go(`/flows/${flow.id}`)
    } catch (error) { fail(error) }
    if (input.current) input.current.value = ''
  }
  return (
    <>
      <input ref={input} type="file" accept=".yaml,.yml" hidden aria-label={t('flows.file')} onChange={({ target }) => void take(target.files?.[0])} />
      <button type="button" className="button" onClick={() => input.current?.click()}><Upload size={15} aria-hidden="true" />{t('flows.import')}</button>
    </>
  )
}
