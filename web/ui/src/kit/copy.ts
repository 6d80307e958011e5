// Put text on the clipboard; over plain http the browser offers only the old way.
import { t } from '../lib/text'
import { say } from './toasts'

export async function copy(text: string) {
  const done = navigator.clipboard ? await navigator.clipboard.writeText(text).then(() => true, () => false) : old(text)
  say(t(done ? 'results.copied' : 'results.copyRefused'), done ? 'ok' : 'error')
}

function old(text: string): boolean {
  const field = document.createElement('textarea')
  const before = document.activeElement
  field.value = text
  field.className = 'sr'
  document.body.append(field)
  field.select()
  const done = document.execCommand('copy')
  field.remove()
  if (before instanceof HTMLElement) before.focus()
  return done
}
