// The second factor: turned on with an authenticator, recovery codes shown once, turned off with the password.
import { useQuery } from '@tanstack/react-query'
import { ShieldCheck, ShieldOff } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale, useMine } from '../../api/mine'
import type { Enrolment } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { TextField } from '../../kit/fields'
import { Once } from '../../kit/once'
import { Trouble, Waiting } from '../../kit/parts'
import { Section } from '../../kit/section'
import { qr } from '../../lib/qr'
import { t } from '../../lib/text'

type Step = '' | 'on' | 'renew' | 'off'

export function SecondFactor() {
  const [step, setStep] = useState<Step>('')
  const { data, error, refetch } = useQuery({
    queryKey: ['second-factor'],
    queryFn: () => call('GET /auth/second-factor'),
  })
  const actions =
    data
    && (data.enabled ? (
      <>
        <button type="button" className="button" onClick={() => setStep('renew')}>
          {t('profile.newCodes')}
        </button>
        <button type="button" className="button" onClick={() => setStep('off')}>
          {t('profile.factorOff')}
        </button>
      </>
    ) : (
      <button type="button" className="button primary" onClick={() => setStep('on')}>
        {t('profile.factorOn')}
      </button>
    ))
  return (
    <Section title={t('profile.factor')} text={t('profile.factor.text')} actions={actions}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('profile.factor')} />
      ) : (
        <p className="standing-line">
          {data.enabled ? (
            <>
              <span className="badge" data-tone="ok">
                <ShieldCheck size={14} aria-hidden="true" />
                {t('profile.isOn')}
              </span>
              <span className={data.recovery_codes_left < 3 ? 'warned' : 'soft'}>
                {t('profile.codesLeft', { n: data.recovery_codes_left })}
              </span>
            </>
          ) : (
            <>
              <span className="badge" data-tone="warn">
                <ShieldOff size={14} aria-hidden="true" />
                {t('profile.isOff')}
              </span>
              <span className="soft">{t('profile.isOff.text')}</span>
            </>
          )}
        </p>
      )}
      {step === 'on' && <TurnOn onClose={() => setStep('')} />}
      {(step === 'renew' || step === 'off') && <WithPassword step={step} onClose={() => setStep('')} />}
    </Section>
  )
}

function TurnOn({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [begun, setBegun] = useState<Enrolment | null>(null)
  const [codes, setCodes] = useState<string[] | null>(null)
  const { busy, errors, act } = useAct(['password', 'code'])
  const begin = () => act(async () => setBegun(await call('POST /auth/second-factor', { body: { password } })))
  const confirm = () =>
    act(async () => {
      const { recovery_codes: made } = await call('POST /auth/second-factor/confirm', {
        body: { code: code.replace(/\s/g, '') },
      })
      setCodes(made ?? [])
      stale('second-factor')
    })
  if (codes)
    return (
      <Dialog title={t('profile.factorIsOn')} text={t('profile.codes.text')} onClose={onClose}>
        <Codes codes={codes} onClose={onClose} />
      </Dialog>
    )
  if (!begun) {
    return (
      <Dialog title={t('profile.factorOn')} text={t('profile.factorOn.text')} onClose={onClose}>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void begin()
          }}
        >
          <Username />
          <TextField
            label={t('profile.yourPassword')}
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={setPassword}
            error={errors.password ?? errors['']}
          />
          <Foot word={t('admin.next')} busy={busy} ready={Boolean(password)} onClose={onClose} />
        </form>
      </Dialog>
    )
  }
  return (
    <Dialog title={t('profile.scan')} text={t('profile.scan.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void confirm()
        }}
      >
        <Picture text={begun.uri} />
        <Once label={t('profile.secret')} text={begun.secret} />
        <p className="otpauth">
          <a href={begun.uri}>{t('profile.openApp')}</a>
        </p>
        <TextField
          label={t('profile.code')}
          inputMode="numeric"
          autoComplete="one-time-code"
          required
          maxLength={9}
          value={code}
          onChange={setCode}
          error={errors.code ?? errors['']}
          help={t('profile.code.text')}
        />
        <Foot word={t('profile.turnOn')} busy={busy} ready={code.replace(/\s/g, '').length === 6} onClose={onClose} />
      </form>
    </Dialog>
  )
}

/** Whose password it is, for the browser's own store of them. */
function Username() {
  const { data } = useMine()
  return <input type="text" autoComplete="username" hidden readOnly value={data?.user.email ?? ''} />
}

/** The QR code, black on white in both themes, since cameras want that. */
function Picture({ text }: { text: string }) {
  const dots = qr(text)
  const path = dots.flatMap((line, y) => line.map((on, x) => (on ? `M${x + 4} ${y + 4}h1v1h-1z` : ''))).join('')
  const size = dots.length + 8
  return (
    <svg
      className="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={t('profile.picture')}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}

function WithPassword({ step, onClose }: { step: 'renew' | 'off'; onClose: () => void }) {
  const [password, setPassword] = useState('')
  const [codes, setCodes] = useState<string[] | null>(null)
  const { busy, errors, act } = useAct(['password'])
  const go = () =>
    act(
      async () => {
        if (step === 'renew')
          setCodes((await call('POST /auth/second-factor/recovery-codes', { body: { password } })).recovery_codes ?? [])
        else await call('POST /auth/second-factor/remove', { body: { password } }).then(onClose)
        stale('second-factor')
      },
      step === 'off' ? t('profile.factorIsOff') : '',
    )
  const [title, text] =
    step === 'renew'
      ? [t('profile.newCodes'), t('profile.newCodes.text')]
      : [t('profile.factorOff'), t('profile.factorOff.text')]
  return (
    <Dialog title={title} text={codes ? t('profile.codes.text') : text} onClose={onClose}>
      {codes ? (
        <Codes codes={codes} onClose={onClose} />
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void go()
          }}
        >
          <Username />
          <TextField
            label={t('profile.yourPassword')}
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={setPassword}
            error={errors.password}
          />
          <Refused errors={errors} />
          <Foot word={title} busy={busy} ready={Boolean(password)} onClose={onClose} />
        </form>
      )}
    </Dialog>
  )
}

function Codes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  return (
    <>
      <Once label={t('profile.codes')} text={codes.join('\n')} lines={codes.length} />
      <footer className="dialog-foot">
        <button type="button" className="button primary" onClick={onClose}>
          {t('profile.kept')}
        </button>
      </footer>
    </>
  )
}
