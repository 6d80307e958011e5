// Asks before what cannot be undone; the worst of it wants the name typed.
import { useState } from 'react'
import type { ReactNode } from 'react'
import { t } from '../lib/text'
import { useAct } from './act'
import { Dialog } from './dialog'
import { TextField } from './fields'

type Props = {
  title: string
  text?: string
  word: string
  typed?: string
  safe?: boolean
  onAct: () => Promise<unknown>
  onClose: () => void
  children?: ReactNode
}

export function Ask({ title, text, word, typed, safe, onAct, onClose, children }: Props) {
  const [name, setName] = useState('')
  const { busy, errors, act } = useAct()
  return (
    <Dialog title={title} onClose={onClose} {...(text ? { text } : {})}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void act(onAct).then((done) => {
            if (done) onClose()
          })
        }}
      >
        {children}
        {typed !== undefined && (
          <TextField label={t('admin.typeName', { name: typed })} value={name} onChange={setName} autoComplete="off" />
        )}
        <Refused errors={errors} />
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {t('admin.cancel')}
          </button>
          <button
            className={safe ? 'button primary' : 'button danger'}
            disabled={busy || (typed !== undefined && name !== typed)}
          >
            {word}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}

/** What belongs to no field of the form. */
export function Refused({ errors }: { errors: Record<string, string> }) {
  return errors[''] ? (
    <div className="notice" data-tone="error" role="alert">
      {errors['']}
    </div>
  ) : null
}

/** The end of a form in a dialog. */
export function Foot({
  word,
  busy,
  ready = true,
  onClose,
  children,
}: {
  word: string
  busy: boolean
  ready?: boolean
  onClose: () => void
  children?: ReactNode
}) {
  return (
    <footer className="dialog-foot">
      {children}
      <button type="button" className="button" onClick={onClose}>
        {t('admin.cancel')}
      </button>
      <button className="button primary" disabled={busy || !ready}>
        {word}
      </button>
    </footer>
  )
}
