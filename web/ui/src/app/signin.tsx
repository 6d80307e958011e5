// The sign-in ended while somebody worked: a dialog, and everything goes on where it was.
import { useRef, useState } from 'react'
import { client } from '../api/queries'
import { resumed } from '../api/session'
import type { Me } from '../api/types'
import { Dialog } from '../kit/dialog'
import { t } from '../lib/text'

type Said = { code: string; message: string }

/** The entrance is asked by itself: its "no" must not wait for a sign-in. */
async function enter(body: Record<string, string>): Promise<Said | null> {
  try {
    const answer = await fetch('/api/v1/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return answer.ok ? null : ((await answer.json()) as { error: Said }).error
  } catch {
    return { code: 'OFFLINE', message: t('app.offline') }
  }
}
async function who(): Promise<string> {
  const answer = await fetch('/api/v1/auth/me')
  return answer.ok ? ((await answer.json()) as { data: Me }).data.user.email : ''
}

export default function SignIn() {
  const before = client.getQueryData<Me>(['me'])?.user.email ?? ''
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [asksCode, setAsksCode] = useState(false)
  const [said, setSaid] = useState('')
  const [busy, setBusy] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const goOn = async () => {
    const email = await who()
    if (!email) setSaid(t('app.session.notYet'))
    else if (email === before) resumed()
    else location.reload()
  }
  const submit = async () => {
    setBusy(true)
    const refused = await enter({ email: before, password, ...(asksCode ? { code } : {}) })
    if (refused) {
      setSaid(refused.message)
      setAsksCode(asksCode || refused.code === 'SECOND_FACTOR_REQUIRED')
    } else await goOn()
    setBusy(false)
  }
  return (
    <Dialog
      title={t('app.session.ended')}
      text={t('app.session.why')}
      focus={input}
      onClose={() => input.current?.focus()}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        {said && (
          <p className="notice" data-tone="error" role="alert">
            {said}
          </p>
        )}
        <div className="field">
          <label htmlFor="again-email">{t('app.session.email')}</label>
          <input id="again-email" value={before} readOnly autoComplete="username" />
        </div>
        <div className="field">
          <label htmlFor="again-password">{t('app.session.password')}</label>
          <input
            id="again-password"
            ref={input}
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={({ target }) => setPassword(target.value)}
          />
        </div>
        {asksCode && (
          <div className="field">
            <label htmlFor="again-code">{t('app.session.code')}</label>
            <input
              id="again-code"
              autoFocus
              inputMode="numeric"
              autoComplete="one-time-code"
              value={code}
              onChange={({ target }) => setCode(target.value)}
            />
          </div>
        )}
        <footer className="dialog-foot">
          <a className="button" href="/login" target="_blank" rel="noreferrer">
            {t('app.session.otherWay')}
          </a>
          <button type="button" className="button" onClick={() => void goOn()}>
            {t('app.session.done')}
          </button>
          <button className="button primary" disabled={busy || !password}>
            {t('app.session.signIn')}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
