// The keys that every page has.
import { Dialog } from '../kit/dialog'
import { t } from '../lib/text'
import { keyWords, useCommands, useOverlay } from './commands'

export default function Shortcuts() {
  const list = useCommands((state) => state.list).filter(({ key }) => key)
  return (
    <Dialog
      title={t('app.shortcuts')}
      text={t('app.shortcuts.editor')}
      onClose={() => useOverlay.setState({ open: '' })}
    >
      <dl className="shortcuts">
        {list.map(({ id, key = '', word }) => (
          <div key={id}>
            <dt>
              {keyWords(key).map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{word}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
