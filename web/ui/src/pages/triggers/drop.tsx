// Deleting a trigger cannot be undone, so it is asked for.
import { Dialog } from '../../kit/dialog'
import { t } from '../../lib/text'
import { dropTrigger } from './acts'

export function DropTrigger({
  id,
  title,
  onClose,
  onGone,
}: {
  id: string
  title: string
  onClose: () => void
  onGone?: () => void
}) {
  const drop = () =>
    dropTrigger(id, () => {
      onClose()
      onGone?.()
    })
  return (
    <Dialog title={t('triggers.drop', { title })} text={t('triggers.drop.why')} onClose={onClose}>
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {t('triggers.cancel')}
        </button>
        <button type="button" className="button danger" onClick={drop}>
          {t('triggers.delete')}
        </button>
      </footer>
    </Dialog>
  )
}
