// Who may make an account, and how the master keys stand.
import { useQuery } from '@tanstack/react-query'
import { KeyRound, ShieldCheck, ShieldX } from 'lucide-react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import { Segments } from '../../kit/fields'
import { Trouble, Waiting } from '../../kit/parts'
import { Section } from '../../kit/section'
import { fail, say } from '../../kit/toasts'
import { t } from '../../lib/text'

export function General() {
  return (
    <div className="sections">
      <Registration />
      <Keys />
    </div>
  )
}

function Registration() {
  const { data, error, refetch } = useQuery({
    queryKey: ['registration'],
    queryFn: () => call('GET /system/registration'),
  })
  const turn = (value: string) =>
    void call('PUT /system/registration', { body: { registration: value === 'open' ? 'open' : 'closed' } })
      .then(async () => {
        await stale('registration')
        say(t('profile.saved'), 'ok')
      })
      .catch(fail)
  return (
    <Section title={t('system.registration')} text={t('system.registration.text')} side>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('system.registration')} />
      ) : (
        <div className="narrow-form">
          <Segments
            hidden
            label={t('system.registration')}
            value={data.registration}
            onChange={turn}
            choices={[
              { value: 'closed', word: t('system.closed') },
              { value: 'open', word: t('system.open') },
            ]}
          />
        </div>
      )}
    </Section>
  )
}

function Keys() {
  const { data, error, refetch } = useQuery({ queryKey: ['master-keys'], queryFn: () => call('GET /system/keys') })
  const all = data ? [...new Set([...data.ring, ...data.known])] : []
  return (
    <Section title={t('system.keys')} text={t('system.keys.text')} side>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('system.keys')} />
      ) : (
        <div>
          <p className="standing-line">
            {data.sealed ? (
              <>
                <span className="badge" data-tone="error">
                  <ShieldX size={14} aria-hidden="true" />
                  {t('system.sealed')}
                </span>
                <span>{data.sealed}</span>
              </>
            ) : (
              <span className="badge" data-tone="ok">
                <ShieldCheck size={14} aria-hidden="true" />
                {t('system.unsealed')}
              </span>
            )}
          </p>
          <ul className="lines ring">
            {all.map((id) => (
              <li key={id}>
                <span className="line-icon">
                  <KeyRound size={17} aria-hidden="true" />
                </span>
                <span className="line-text">
                  <code>{id}</code>
                </span>
                {id === data.current && (
                  <span className="badge" data-tone="ok">
                    {t('system.current')}
                  </span>
                )}
                {!data.ring.includes(id) && (
                  <span className="badge" data-tone="error">
                    {t('system.missing')}
                  </span>
                )}
                {id !== data.current && data.ring.includes(id) && <span className="badge">{t('system.reads')}</span>}
              </li>
            ))}
          </ul>
          <p className="help">
            {t('system.keys.how')} <code>headrace keys status</code>
          </p>
        </div>
      )}
    </Section>
  )
}
