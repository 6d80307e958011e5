// New flows and folders, by their name.
import { useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { call } from '../../api/call'
import { ApiError } from '../../api/client'
import { client } from '../../api/queries'
import { Dialog } from '../../kit/dialog'
import { fail } from '../../kit/toasts'
import { t } from '../../lib/text'
import { stale } from './reads'

type Props = {
  title: string
  text?: string
  label: string
  word?: string
  first?: string
  make: (name: string) => Promise<void>
  onClose: () => void
}

/** Asks for a name; a refusal shows on the field. */
export function Named({ title, text = '', label, word = t('flows.create'), first = '', make, onClose }: Props) {
  const [name, setName] = useState(first)
  const [wrong, setWrong] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const submit = () =>
    make(name).catch((error: unknown) => {
      if (error instanceof ApiError && error.status < 500) setWrong(error.fields.name ?? error.message)
      else fail(error)
    })
  return (
    <Dialog title={title} text={text} onClose={onClose} focus={input}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <div className="field">
          <label htmlFor="new-name">{label}</label>
          <input
            id="new-name"
            ref={input}
            value={name}
            maxLength={255}
            autoComplete="off"
            aria-invalid={Boolean(wrong) || undefined}
            aria-describedby="new-wrong"
            onChange={({ target }) => {
              setName(target.value)
              setWrong('')
            }}
          />
          <div id="new-wrong">
            {wrong && (
              <p className="field-error" role="alert">
                {wrong}
              </p>
            )}
          </div>
        </div>
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {t('work.cancel')}
          </button>
          <button className="button primary" disabled={!name.trim() || name === first}>
            {word}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}

export function NewFlow({ workspace, folder, onClose }: { workspace: string; folder: string; onClose: () => void }) {
  const [, go] = useLocation()
  const make = async (name: string) => {
    const flow = await call('POST /flows', {
      body: { name, ...(workspace ? { workspace_id: workspace } : {}), ...(folder ? { folder_id: folder } : {}) },
    })
    stale()
    go(`/flows/${flow.id}`)
  }
  return <Named title={t('app.command.newFlow')} label={t('flows.name')} make={make} onClose={onClose} />
}

export function NewFolder({ workspace, parent, onClose }: { workspace: string; parent: string; onClose: () => void }) {
  const make = async (name: string) => {
    await call('POST /workspaces/{workspace_id}/folders', {
      path: { workspace_id: workspace },
      body: { name, ...(parent ? { parent_id: parent } : {}) },
    })
    void client.invalidateQueries({ queryKey: ['folders'] })
    onClose()
  }
  return <Named title={t('flows.newFolder')} label={t('flows.name')} make={make} onClose={onClose} />
}
