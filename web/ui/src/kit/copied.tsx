// A text to take along: selected on focus, copied by a button.
import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { t } from '../lib/text'
import { onClipboard } from './copy'
import { say } from './toasts'

export function Copied({ label, text, help }: { label: string; text: string; help?: string }) {
  const [done, setDone] = useState(false)
  const copy = () =>
    void onClipboard(text).then((copied) => (copied ? setDone(true) : say(t('webhooks.copyByHand'), 'info')))
  return (
    <div className="field">
      <span className="label">{label}</span>
      <div className="address">
        <input readOnly value={text} aria-label={label} onFocus={({ target }) => target.select()} />
        <button type="button" className="button" onClick={copy}>
          {done ? <Check size={14} aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
          {done ? t('webhooks.copied') : t('webhooks.copy')}
        </button>
      </div>
      {help && <p className="help">{help}</p>}
    </div>
  )
}
