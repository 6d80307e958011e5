// A dialog in one place on the page; Escape and a click beside it close it, focus goes back where it was.
import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode, RefObject } from 'react'
import { t } from '../lib/text'

type Props = {
  title: string
  text?: string
  size?: 'small' | 'large' | 'palette'
  onClose: () => void
  children: ReactNode
  focus?: RefObject<HTMLElement | null>
  plain?: boolean
}

export function Dialog({ title, text, size = 'small', onClose, children, focus, plain }: Props) {
  return (
    <Base.Root
      open
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className={`dialog dialog-${size}`} {...(focus ? { initialFocus: focus } : {})}>
          {plain ? (
            <Base.Title className="sr">{title}</Base.Title>
          ) : (
            <header className="dialog-head">
              <Base.Title className="dialog-title">{title}</Base.Title>
              <Base.Close className="icon-button" aria-label={t('work.close')}>
                <X size={17} />
              </Base.Close>
            </header>
          )}
          {text && <Base.Description className="soft dialog-text">{text}</Base.Description>}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
