// Somebody else saved in between: take theirs, or keep theirs as a version and save ours as the next one.
import { useState } from 'react'
import { get, post, put } from '../api/client'
import type { Canvas } from '../api/types'
import { Dialog } from '../kit/dialog'
import { fail, say } from '../kit/toasts'
import { useFlowPage } from './context'
import { document as canvas, forget, saved, useDoc } from './store'
import { useUi } from './ui'

export function Conflict({ reload }: { reload: () => void }) {
  const message = useUi((state) => state.conflict)
  const { flowId } = useFlowPage()
  const [busy, setBusy] = useState(false)
  if (!message) return null
  const close = () => useUi.setState({ conflict: '' })
  const theirs = () => { forget(flowId); useDoc.setState({ dirty: false }); close(); reload() }
  const mine = async () => {
    setBusy(true)
    try {
      const stored = await get<Canvas>(`/flows/${flowId}/data`)
      await post(`/flows/${flowId}/versions`, { name: 'Before an overwrite', change_summary: 'Kept before another save replaced it' })
      const was = useDoc.getState()
      const done = await put<{ row_version: number }>(`/flows/${flowId}/data`, canvas(), stored.row_version)
      saved(done.row_version, was)
      const made = await post<{ number: number }>(`/flows/${flowId}/versions`, { name: '', change_summary: 'Saved over a newer canvas' })
      say(`Saved as version ${made.number}; what was there is version ${made.number - 1}.`, 'ok')
      close()
    } catch (error) {
      fail(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog title="Somebody else saved this flow" text={`${message.charAt(0).toUpperCase()}${message.slice(1)}.`} onClose={close}>
      <p className="soft">Nothing is lost either way: saving yours keeps theirs as a version first.</p>
      <footer className="dialog-foot">
        <button type="button" className="button" disabled={busy} onClick={close}>Go on editing</button>
        <button type="button" className="button" disabled={busy} onClick={theirs}>Reload theirs</button>
        <button type="button" className="button primary" disabled={busy} onClick={() => void mine()}>Save mine as a new version</button>
      </footer>
    </Dialog>
  )
}
