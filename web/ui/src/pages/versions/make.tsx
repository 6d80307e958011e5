// A version of a flow as it is stored, with a name and a reason.
import { useRef, useState } from 'react'
import { call } from '../../api/call'
import { client } from '../../api/queries'
import { Dialog } from '../../kit/dialog'
import { say } from '../../kit/toasts'
import { t } from '../../lib/text'

export function MakeVersion({ id, onClose }: { id: string; onClose: () => void }) {
  const [name, setName] = useState('')
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState('')
  const first = useRef<HTMLInputElement>(null)
  const make = () =>
    void call('POST /flows/{flow_id}/versions', { path: { flow_id: id }, body: { name, change_summary: text } }).then(
      (made) => {
        say(t('versions.made', { number: String(made.number) }), 'ok')
        for (const key of ['versions', 'flow']) void client.invalidateQueries({ queryKey: [key, id] })
        onClose()
      },
      (error: Error) => setWrong(error.message),
    )
  return (
    <Dialog title={t('versions.make')} text={t('versions.makeText')} onClose={onClose} focus={first}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          make()
        }}
      >
        <div className="field">
          <label htmlFor="version-text">{t('versions.message')}</label>
          <input id="version-text" ref={first} value={text} onChange={({ target }) => setText(target.value)} />
        </div>
        <div className="field">
          <label htmlFor="version-name">{t('versions.name')}</label>
          <input id="version-name" value={name} onChange={({ target }) => setName(target.value)} />
        </div>
        {wrong && (
          <p className="field-error" role="alert">
            {wrong}
          </p>
        )}
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {t('versions.cancel')}
          </button>
          <button type="submit" className="button primary">
            {t('versions.make')}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
