// Put text on the clipboard; over plain http the browser offers only the old way.
import { t } from '../lib/text'
import { say } from './toasts'

/** Whether the text is on the clipboard now. */
export const onClipboard = async (text: string): Promise<boolean> =>
  navigator.clipboard
    ? navigator.clipboard.writeText(text).then(
        () => true,
        () => false,
      )
    : old(text)

export async function copy(text: string) {
  const done = await onClipboard(text)
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
