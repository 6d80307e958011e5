// All keys of the editor.
import { Dialog } from '../kit/dialog'
import { SHORTCUTS } from './keys'
import { useUi } from './ui'

export function Shortcuts() {
  if (!useUi((state) => state.shortcuts)) return null
  return (
    <Dialog title="Shortcuts" onClose={() => useUi.setState({ shortcuts: false })}>
      <dl className="shortcuts">{SHORTCUTS.map(([keys, act]) => <div key={keys}><dt><kbd>{keys}</kbd></dt><dd>{act}</dd></div>)}</dl>
    </Dialog>
  )
}
