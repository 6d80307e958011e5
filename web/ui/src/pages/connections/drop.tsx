// Taking a connection away; refused with the flows that use it, unless one insists.
import { useState } from 'react'
import { ApiError, remove } from '../../api/client'
import { gone } from '../../api/queries'
import type { Connection } from '../../api/types'
import { Dialog } from '../../kit/dialog'
import { fail, say } from '../../kit/toasts'
import { t } from '../../lib/text'

export function DropConnection({
  connection,
  onClose,
  onGone,
}: {
  connection: Connection
  onClose: () => void
  onGone?: () => void
}) {
  const [refused, setRefused] = useState('')
  const drop = async (force: boolean) => {
    try {
      await remove(`/connections/${connection.id}${force ? '?force=true' : ''}`)
      say(t('connections.dropped', { name: connection.name }), 'ok')
      onClose()
      onGone?.()
      void gone(['connections'], connection.id)
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) setRefused(error.message)
      else {
        fail(error)
        onClose()
      }
    }
  }
  return (
    <Dialog title={t('connections.drop', { name: connection.name })} text={t('connections.drop.why')} onClose={onClose}>
      {refused && (
        <div className="notice" data-tone="error" role="alert">
          {refused}
        </div>
      )}
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {t('connections.cancel')}
        </button>
        <button type="button" className="button danger" onClick={() => void drop(Boolean(refused))}>
          {refused ? t('connections.dropAnyway') : t('connections.delete')}
        </button>
      </footer>
    </Dialog>
  )
}
