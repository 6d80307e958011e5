// Password, second factor, and where one is signed in.
import { useQuery } from '@tanstack/react-query'
import { LogOut, Monitor, Terminal } from 'lucide-react'
import { useState } from 'react'
import { allOf } from '../../api/all'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { Me, SignInOut } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Refused } from '../../kit/ask'
import { TextField } from '../../kit/fields'
import { Trouble, Waiting } from '../../kit/parts'
import { Section } from '../../kit/section'
import { fail, say } from '../../kit/toasts'
import { moment, since, until } from '../../lib/format'
import { t } from '../../lib/text'
import { SecondFactor } from './second-factor'

export function Security({ me }: { me: Me }) {
  return (
    <div className="sections">
      <SecondFactor />
      <Password email={me.user.email} />
      <Sessions />
    </div>
  )
}

function Password({ email }: { email: string }) {
  const [old, setOld] = useState('')
  const [next, setNext] = useState('')
  const { busy, errors, act } = useAct(['old_password', 'new_password'])
  const save = () =>
    act(async () => {
      await call('POST /auth/change-password', { body: { old_password: old, new_password: next } })
      setOld('')
      setNext('')
      stale('sessions')
    }, t('profile.passwordChanged'))
  return (
    <Section title={t('profile.password')} text={t('profile.password.text')} side>
      <form
        className="narrow-form"
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <input type="text" autoComplete="username" hidden readOnly value={email} />
        <TextField
          label={t('profile.oldPassword')}
          type="password"
          autoComplete="current-password"
          required
          value={old}
          onChange={setOld}
          error={errors.old_password}
        />
        <TextField
          label={t('profile.newPassword')}
          type="password"
          autoComplete="new-password"
          required
          minLength={12}
          value={next}
          onChange={setNext}
          error={errors.new_password}
          help={t('profile.passwordRule')}
        />
        <Refused errors={errors} />
        <button className="button primary" disabled={busy || !old || next.length < 12}>
          {t('profile.changePassword')}
        </button>
      </form>
    </Section>
  )
}

const READ = { queryKey: ['sessions'], queryFn: () => allOf('GET /sessions') }

function Sessions() {
  const { data, error, refetch } = useQuery(READ)
  const end = (id: string) =>
    void call('DELETE /sessions/{session_id}', { path: { session_id: id } })
      .then(async () => {
        await stale('sessions')
        say(t('profile.ended'), 'ok')
      })
      .catch(fail)
  const endOthers = () =>
    void call('DELETE /sessions')
      .then(async () => {
        await stale('sessions')
        say(t('profile.othersEnded'), 'ok')
      })
      .catch(fail)
  const others = data && data.length > 1 && (
    <button type="button" className="button" onClick={endOthers}>
      {t('profile.endOthers')}
    </button>
  )
  return (
    <Section title={t('profile.sessions')} text={t('profile.sessions.text')} actions={others}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('profile.sessions')} />
      ) : (
        <ul className="lines">
          {data.map((one) => (
            <Session key={one.id} session={one} onEnd={() => end(one.id)} />
          ))}
        </ul>
      )}
    </Section>
  )
}

function Session({ session: one, onEnd }: { session: SignInOut; onEnd: () => void }) {
  const name = deviceOf(one.user_agent)
  return (
    <li>
      <span className="line-icon">
        {one.kind === 'browser' ? <Monitor size={17} aria-hidden="true" /> : <Terminal size={17} aria-hidden="true" />}
      </span>
      <span className="line-text">
        <strong title={one.user_agent}>{name}</strong>
        <span className="soft">
          {t('profile.seen', { when: since(one.last_activity_at), address: one.ip_address || '–' })}{' '}
          <span title={moment(one.created_at)}>{t('profile.until', { when: until(one.expires_at) })}</span>
        </span>
      </span>
      {one.current ? (
        <span className="badge" data-tone="ok">
          {t('profile.thisOne')}
        </span>
      ) : (
        <button type="button" className="button" aria-label={t('profile.endOf', { name })} onClick={onEnd}>
          <LogOut size={15} aria-hidden="true" />
          {t('profile.end')}
        </button>
      )}
    </li>
  )
}

const BROWSERS: [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
]
const SYSTEMS: [RegExp, string][] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS/, 'macOS'],
  [/Linux/, 'Linux'],
]

/** A browser and a system from what the browser says of itself; else its first word. */
function deviceOf(agent: string): string {
  const find = (list: [RegExp, string][]) => list.find(([mark]) => mark.test(agent))?.[1]
  return [find(BROWSERS), find(SYSTEMS)].filter(Boolean).join(', ') || agent.split(' ')[0] || t('profile.unknown')
}
