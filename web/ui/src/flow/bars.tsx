// What floats on the canvas: its tools, the zoom, the hint about keys. Each button is a command of the table.
import { Maximize, Minus, Network, Plus, Redo2, Search, StickyNote, Undo2 } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import { t } from '../lib/text'
import { capsOf, command, perform, wordOf } from './commands'
import { useFlowPage } from './context'
import { useDoc } from './store'

function Act({
  name,
  Icon,
  primary,
  disabled,
}: {
  name: string
  Icon: LucideIcon
  primary?: boolean
  disabled?: boolean
}) {
  const page = useFlowPage()
  const found = command(name)
  const label = wordOf(found)
  return (
    <button
      type="button"
      className={primary ? 'icon-button primary' : 'icon-button'}
      aria-label={label}
      title={`${label} (${capsOf(found.keys[0]).join(' ')})`}
      disabled={disabled}
      onClick={() => perform(found, page)}
    >
      <Icon size={primary ? 19 : 18} />
    </button>
  )
}

export function Tools() {
  const past = useDoc((state) => state.past.length)
  const future = useDoc((state) => state.future.length)
  return (
    <div className="tools" role="toolbar" aria-label={t('flow.tools')}>
      <Act name="add" Icon={Plus} primary />
      <Act name="undo" Icon={Undo2} disabled={!past} />
      <Act name="redo" Icon={Redo2} disabled={!future} />
      <Act name="tidy" Icon={Network} />
      <Act name="note" Icon={StickyNote} />
      <Act name="find" Icon={Search} />
    </div>
  )
}

export function Zoom() {
  return (
    <div className="zoom" role="group" aria-label={t('flow.zoom')}>
      <Act name="closer" Icon={Plus} />
      <Act name="farther" Icon={Minus} />
      <Act name="fit" Icon={Maximize} />
    </div>
  )
}

export function Hint() {
  return (
    <p className="hint" aria-hidden="true">
      {(['add', 'connect', 'run', 'shortcuts'] as const).map((name) => (
        <span key={name}>
          {capsOf(command(name).keys[0]).map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}{' '}
          {t(`flow.hint.${name}`)}
        </span>
      ))}
    </p>
  )
}
