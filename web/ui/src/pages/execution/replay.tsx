// Execute it again with another input, on the definition as it was or as it is now.
import { useRef, useState } from 'react'
import type { Execution, Value } from '../../api/types'
import { Dialog } from '../../kit/dialog'
import { t } from '../../lib/text'
import type { Again } from './acts'

export function Replay({
  execution,
  again,
  onClose,
}: {
  execution: Execution
  again: (how: Again) => Promise<void>
  onClose: () => void
}) {
  const [text, setText] = useState(() => JSON.stringify(execution.input_data ?? {}, null, 2))
  const [version, setVersion] = useState<'same' | 'latest'>('same')
  const [wrong, setWrong] = useState('')
  const field = useRef<HTMLTextAreaElement>(null)
  const start = async () => {
    let input: unknown
    try {
      input = JSON.parse(text)
    } catch (error) {
      return setWrong(t('execution.noJson', { why: error instanceof Error ? error.message : '' }))
    }
    if (typeof input !== 'object' || input === null || Array.isArray(input)) return setWrong(t('execution.noObject'))
    await again({ from: 'start', version, input: input as Value }).then(onClose, (error: Error) =>
      setWrong(error.message),
    )
  }
  return (
    <Dialog
      title={t('execution.replayTitle')}
      text={t('execution.replayText')}
      size="large"
      onClose={onClose}
      focus={field}
    >
      {execution.input_data === null && <p className="notice">{t('execution.inputGone')}</p>}
      <div className="field">
        <label htmlFor="replay-input">{t('execution.input')}</label>
        <textarea
          id="replay-input"
          ref={field}
          className="replay-input"
          spellCheck={false}
          value={text}
          aria-invalid={Boolean(wrong) || undefined}
          aria-describedby="replay-wrong"
          onChange={({ target }) => {
            setText(target.value)
            setWrong('')
          }}
        />
        <div id="replay-wrong">
          {wrong && (
            <p className="field-error" role="alert">
              {wrong}
            </p>
          )}
        </div>
      </div>
      <fieldset className="segmented" role="radiogroup" aria-label={t('execution.definition')}>
        {(['same', 'latest'] as const).map((one) => (
          <label key={one}>
            <input type="radio" name="replay-version" checked={version === one} onChange={() => setVersion(one)} />
            <span>{t(`execution.definition.${one}`)}</span>
          </label>
        ))}
      </fieldset>
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {t('execution.cancel')}
        </button>
        <button type="button" className="button primary" onClick={() => void start()}>
          {t('execution.start')}
        </button>
      </footer>
    </Dialog>
  )
}
