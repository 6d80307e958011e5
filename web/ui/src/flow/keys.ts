// Keys and the clipboard of the editor; they rest while somebody types or something lies over the page.
import { useEffect } from 'react'
import { acts, focusStep } from './acts'
import { COMMANDS, one, perform } from './commands'
import type { Command } from './commands'
import { useFlowPage } from './context'
import { copySelected, deleteSelected, paste } from './store'
import { covered } from './ui'

const NAMES: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' }
const BY_KEYS = new Map(
  COMMANDS.filter((one) => !one.event).flatMap((one) => one.keys.map((keys) => [keys, one] as const)),
)

/** Pressed keys as the table writes them: `Ctrl Shift Z`; with Alt a letter is where it stands on the keyboard. */
function pressed(event: KeyboardEvent): string {
  const letter = event.altKey && event.code.startsWith('Key') ? event.code.slice(3) : event.key
  const name = NAMES[letter] ?? (letter.length === 1 ? letter.toUpperCase() : letter)
  const shifts = event.shiftKey && (name.length > 1 || name.toLowerCase() !== name || NAMES[letter])
  return [event.ctrlKey || event.metaKey ? 'Ctrl' : '', shifts ? 'Shift' : '', event.altKey ? 'Alt' : '', name]
    .filter(Boolean)
    .join(' ')
}

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement
  && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  && !(target instanceof HTMLInputElement && /^(radio|checkbox|button)$/.test(target.type))
const closest = (target: EventTarget | null, what: string) => (target instanceof Element ? target.closest(what) : null)
const CANVAS = '.react-flow__node, .react-flow__edge, .react-flow__pane, .react-flow'

/** Whether a command may have its key here: what has the focus comes first. */
function open(found: Command, { target }: KeyboardEvent, keys: string): boolean {
  if (found.canvas && closest(target, 'button, a, summary, input')) return false
  if (keys === 'Tab') return Boolean(closest(target, '.react-flow__node.selected'))
  if (found.canvas) return target === document.body || Boolean(closest(target, CANVAS))
  return true
}

export function useKeys() {
  const page = useFlowPage()
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const keys = pressed(event)
      const found = BY_KEYS.get(keys)
      if (closest(event.target, '[role=dialog], [role=menu]')) {
        if (!found || found.name !== 'save') return
      }
      if (typing(event.target) && !found?.always) {
        if (keys === 'Esc') toStep(event.target as HTMLElement)
        return
      }
      if (!found && NAMES[event.key] && closest(event.target, '.react-flow__node')) event.stopPropagation() // React Flow would move it without a way back
      if (!found || (page.readOnly && found.edits) || !open(found, event, keys)) return
      if (found.name !== 'save' && covered()) return
      event.preventDefault()
      if (keys !== 'Esc') event.stopPropagation()
      perform(found, page)
    }
    const copy = (event: ClipboardEvent) => {
      if (typing(event.target) || covered() || String(getSelection() ?? '')) return
      const text = copySelected()
      if (!text) return
      event.clipboardData?.setData('text/plain', text)
      event.preventDefault()
      if (event.type === 'cut' && !page.readOnly) deleteSelected(page.types)
    }
    const insert = (event: ClipboardEvent) => {
      if (typing(event.target) || covered() || page.readOnly) return
      if (paste(page.types, event.clipboardData?.getData('text/plain') ?? '', acts.center())) event.preventDefault()
    }
    document.addEventListener('keydown', press, true)
    document.addEventListener('copy', copy)
    document.addEventListener('cut', copy)
    document.addEventListener('paste', insert)
    return () => {
      document.removeEventListener('keydown', press, true)
      document.removeEventListener('copy', copy)
      document.removeEventListener('cut', copy)
      document.removeEventListener('paste', insert)
    }
  }, [page])
}

/** Out of a field, back to the step it belongs to. */
function toStep(field: HTMLElement) {
  field.blur()
  const id = one()
  if (id) focusStep(id)
}
