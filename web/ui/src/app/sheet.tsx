// On a phone: the pages that the bar has no room for.
import type { ReactNode } from 'react'
import { Dialog } from '../kit/dialog'
import { t } from '../lib/text'

export default function Sheet({ onClose, children }: { onClose: () => void; children: ReactNode }) {
  return (
    <Dialog title={t('app.more')} onClose={onClose}>
      <div className="nav-sheet">{children}</div>
    </Dialog>
  )
}
