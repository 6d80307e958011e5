// A secret or a link that is shown once, with a way to take it along.
import { Check, Copy } from 'lucide-react'
import { useId, useState } from 'react'
import { t } from '../lib/text'
import { onClipboard } from './copy'
import { fail } from './toasts'

export function Once({ label, text, help, lines = 1 }: { label: string; text: string; help?: string; lines?: number }) {
  const id = useId()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    if (await onClipboard(text)) setCopied(true)
    else fail(t('admin.copyByHand'))
  }
  return (
    <div className="once">
      <label htmlFor={id}>{label}</label>
      <div className="row">
        {lines > 1 ? (
          <textarea id={id} readOnly rows={lines} value={text} onFocus={({ target }) => target.select()} />
        ) : (
          <input id={id} readOnly value={text} onFocus={({ target }) => target.select()} />
        )}
        <button type="button" className="button" onClick={() => void copy()}>
          {copied ? <Check size={15} aria-hidden="true" /> : <Copy size={15} aria-hidden="true" />}
          {copied ? t('admin.copied') : t('admin.copy')}
        </button>
      </div>
      {help && <p className="help">{help}</p>}
    </div>
  )
}
