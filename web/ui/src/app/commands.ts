// What can be done from anywhere: by a key, or by its name in the palette. Any module registers its own.
import { useEffect } from 'react'
import type { ComponentType } from 'react'
import { create } from 'zustand'

export type Command = {
  id: string
  word: string
  Icon: ComponentType<{ size?: number; 'aria-hidden'?: 'true' }>
  run: () => void
  /** A key such as `?`, one after another such as `g f`, or `mod+k` (Ctrl, ⌘ on a Mac). */
  key?: string
  /** More words to find it by. */
  also?: string
}

export const useCommands = create<{ list: Command[] }>(() => ({ list: [] }))
export const useOverlay = create<{ open: '' | 'palette' | 'shortcuts' }>(() => ({ open: '' }))
export const show = (open: 'palette' | 'shortcuts') => useOverlay.setState({ open })

/** Offers commands until the answer is called. */
export function register(commands: Command[]): () => void {
  useCommands.setState(({ list }) => ({ list: [...list, ...commands] }))
  return () => useCommands.setState(({ list }) => ({ list: list.filter((one) => !commands.includes(one)) }))
}

const CHORD_MS = 900
const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement
  && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  && !(target instanceof HTMLInputElement && /^(radio|checkbox|button)$/.test(target.type))
const covered = () => document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]') !== null

/** Hears the keys of all commands; single keys rest while somebody types, in dialogs and in the editor, which has its own. */
export function useCommandKeys(inEditor: boolean) {
  useEffect(() => {
    let before = ''
    let at = 0
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return
      const key = event.key.toLowerCase()
      const command = event.ctrlKey || event.metaKey
      if (!command && (inEditor || event.altKey || typing(event.target))) return
      if (covered()) return
      const chord = Date.now() - at < CHORD_MS ? `${before} ${key}` : ''
      const wanted = command ? [`mod+${key}`] : [chord, key]
      const found = useCommands.getState().list.find((one) => one.key && wanted.includes(one.key))
      before = command ? '' : key
      at = Date.now()
      if (!found) return
      event.preventDefault()
      before = ''
      found.run()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [inEditor])
}

/** A key as people read it. */
export const keyWords = (key: string) =>
  key
    .split(' ')
    .map((one) =>
      one
        .replace('mod+', navigator.platform.startsWith('Mac') ? '⌘ ' : 'Ctrl ')
        .replace(/\b[a-z]$/, (letter) => letter.toUpperCase()),
    )
