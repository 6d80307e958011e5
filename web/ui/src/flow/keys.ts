// Keys of the editor and the clipboard; they rest while somebody types or a dialog is open.
import { useEffect } from 'react'
import { say } from '../kit/toasts'
import { acts, focusStep } from './canvas'
import { useFlowPage } from './context'
import { copySelected, deleteSelected, paste, redo, select, selectedIds, setData, undo, useDoc } from './store'
import { openPalette, useUi } from './ui'

export const SHORTCUTS: [string, string][] = [
  ['/', 'Add a step: after the selected one, or into the selected wire'], ['C', 'Connect the selected step'],
  ['Ctrl Z', 'Undo'], ['Ctrl Shift Z', 'Redo'], ['Ctrl C, X, V', 'Copy, cut, paste steps as text'], ['Ctrl D', 'Duplicate'],
  ['Delete', 'Delete; the ends of the chain stay connected'], ['Ctrl A', 'Select all'], ['D', 'Disable or enable'],
  ['Enter', 'Open the settings of the selected step'], ['Ctrl S', 'Save'], ['Ctrl Enter', 'Run'], ['Shift Enter', 'Run to the selected step'],
  ['Shift Alt T', 'Tidy up'], ['1', 'Fit'], ['Tab, arrows', 'Walk the steps, move the selected ones'], ['?', 'This list'], ['Esc', 'Close; from a field back to its step; else select nothing'],
]

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && !(target instanceof HTMLInputElement && /^(radio|checkbox|button)$/.test(target.type))
const covered = () => { const { palette, connecting, shortcuts, conflict } = useUi.getState(); return Boolean(palette || connecting || shortcuts || conflict) }
const one = () => { const ids = selectedIds(); return ids.size === 1 ? ([...ids][0] as string) : '' }

export function useKeys() {
  const { types, readOnly, save, run } = useFlowPage()
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const command = event.ctrlKey || event.metaKey
      const key = event.key.toLowerCase()
      if (command && key === 's') { event.preventDefault(); void save(); return }
      if (covered()) return
      if (command && key === 'enter') { event.preventDefault(); run(); return }
      if (typing(event.target)) {
        if (key === 'escape') toStep(event.target as HTMLElement)
        return
      }
      const act = readOnly ? undefined : bound(event, command, key)
      if (act) { event.preventDefault(); act() }
    }
    const bound = (event: KeyboardEvent, command: boolean, key: string): (() => void) | undefined => {
      if (command) {
        if (key === 'z') return event.shiftKey ? redo : undo
        if (key === 'y') return redo
        if (key === 'd') return () => { paste(types, copySelected()) }
        if (key === 'a') return () => select(useDoc.getState().nodes.map((node) => node.id))
        return undefined
      }
      if (event.altKey) return event.shiftKey && event.code === 'KeyT' ? () => acts.tidy() : undefined
      const onButton = event.target instanceof HTMLElement && event.target.closest('button, a, summary, [role=tab]')
      if (key === 'enter' && event.shiftKey) return () => { const node = one(); if (node) run({ node, mode: 'to_here' }) }
      if (key === 'enter') return !onButton && one() ? openSettings : undefined
      const plain: Record<string, () => void> = {
        '/': () => openPalette(), '?': () => useUi.setState({ shortcuts: true }), delete: remove, backspace: remove, '1': () => acts.fit(),
        c: () => { const node = one(); if (node) useUi.setState({ connecting: node }); else say('Select one step first, then press C.') },
        d: disable, escape: () => select([]),
      }
      return plain[key]
    }
    const remove = () => { deleteSelected(types) }
    const disable = () => selectedIds().forEach((id) => {
      const node = useDoc.getState().nodes.find((step) => step.id === id)
      if (node) setData(id, { disabled: !node.data.disabled }, `disabled-${Date.now()}`)
    })
    const copy = (event: ClipboardEvent) => {
      if (typing(event.target) || covered() || String(getSelection() ?? '')) return
      const text = copySelected()
      if (!text) return
      event.clipboardData?.setData('text/plain', text)
      event.preventDefault()
      if (event.type === 'cut' && !readOnly) deleteSelected(types)
    }
    const insert = (event: ClipboardEvent) => {
      if (typing(event.target) || covered() || readOnly) return
      if (paste(types, event.clipboardData?.getData('text/plain') ?? '')) event.preventDefault()
    }
    document.addEventListener('keydown', press)
    document.addEventListener('copy', copy)
    document.addEventListener('cut', copy)
    document.addEventListener('paste', insert)
    return () => {
      document.removeEventListener('keydown', press)
      document.removeEventListener('copy', copy)
      document.removeEventListener('cut', copy)
      document.removeEventListener('paste', insert)
    }
  }, [types, readOnly, save, run])
}

/** Settings of the selected step, with the focus in their first field. */
function openSettings() {
  useUi.setState({ settings: true })
  requestAnimationFrame(() => document.querySelector<HTMLElement>('.settings [data-first]')?.focus())
}

/** Out of a field, back to the step it belongs to. */
function toStep(field: HTMLElement) {
  field.blur()
  const id = one()
  if (id) focusStep(id)
}
