// Making a key and putting another in its place; its text is shown this once.
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { KeyOut } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { SelectField, TextField } from '../../kit/fields'
import { Once } from '../../kit/once'
import { Rights } from '../../kit/rights'
import { t } from '../../lib/text'

const DAY_MS = 86_400_000
const DAYS = ['7', '30', '90', '365']
const lifetimes = () => [
  ...DAYS.map((value) => ({ value, word: t('keys.days', { n: Number(value) }) })),
  { value: '', word: t('keys.forever') },
]
const PRESETS = ['read', 'run', 'all'] as const

function preset(name: string, rights: string[]) {
  if (name === 'all') return rights
  const runs = ['flow:execute', 'job:execute', 'execution:cancel', 'execution:retry']
  return rights.filter((right) => right.endsWith(':read') || (name === 'run' && runs.includes(right)))
}

export function NewKey({
  owner,
  own,
  rights,
  onClose,
}: {
  owner: string
  own?: boolean
  rights: string[]
  onClose: () => void
}) {
  const [name, setName] = useState('')
  const [days, setDays] = useState('90')
  const [held, setHeld] = useState<string[]>(() => preset('run', rights))
  const [made, setMade] = useState('')
  const { busy, errors, act } = useAct(['name', 'permissions', 'expires_at'])
  const make = () =>
    act(async () => {
      const expires_at = days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null
      const { key } = await call('POST /api-keys', {
        body: { name, permissions: held, expires_at, ...(own ? {} : { user_id: owner }) },
      })
      setMade(key)
      stale('api-keys')
    })
  if (made) return <Made name={name} text={made} onClose={onClose} />
  return (
    <Dialog title={t('keys.new')} text={t('keys.new.text')} size="large" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void make()
        }}
      >
        <div className="two">
          <TextField
            label={t('keys.name')}
            value={name}
            onChange={setName}
            required
            maxLength={100}
            autoComplete="off"
            placeholder={t('keys.name.like')}
            error={errors.name}
          />
          <SelectField
            label={t('keys.lifetime')}
            value={days}
            onChange={setDays}
            choices={lifetimes()}
            error={errors.expires_at}
          />
        </div>
        <div className="field" role="group" aria-label={t('keys.scopes')}>
          <div className="row rights-head">
            <span className="label">{t('keys.scopes')}</span>
            <span className="soft">{t('keys.rights', { n: held.length })}</span>
            <span className="grow" />
            {PRESETS.map((one) => (
              <button key={one} type="button" className="link" onClick={() => setHeld(preset(one, rights))}>
                {t(`keys.preset.${one}`)}
              </button>
            ))}
          </div>
          <Rights every={rights} held={held} onChange={setHeld} label={t('keys.scopes')} />
          {errors.permissions && (
            <p className="field-error" role="alert">
              {errors.permissions}
            </p>
          )}
        </div>
        <Refused errors={errors} />
        <Foot word={t('keys.make')} busy={busy} ready={Boolean(name.trim()) && held.length > 0} onClose={onClose} />
      </form>
    </Dialog>
  )
}

export function Rotate({ one, onClose }: { one: KeyOut; onClose: () => void }) {
  const [overlap, setOverlap] = useState('3600')
  const [made, setMade] = useState('')
  const { busy, errors, act } = useAct()
  const rotate = () =>
    act(async () => {
      setMade(
        (
          await call('POST /api-keys/{key_id}/rotate', {
            path: { key_id: one.id },
            body: { overlap_s: Number(overlap) },
          })
        ).key,
      )
      stale('api-keys')
    })
  if (made) return <Made name={one.name} text={made} onClose={onClose} />
  const choices = ['0', '3600', '86400', '604800'].map((value) => ({ value, word: t(`keys.overlap.${value}`) }))
  return (
    <Dialog title={t('keys.rotate.title', { name: one.name })} text={t('keys.rotate.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void rotate()
        }}
      >
        <SelectField label={t('keys.oldOne')} value={overlap} onChange={setOverlap} choices={choices} />
        <Refused errors={errors} />
        <Foot word={t('keys.rotate')} busy={busy} onClose={onClose} />
      </form>
    </Dialog>
  )
}

function Made({ name, text, onClose }: { name: string; text: string; onClose: () => void }) {
  return (
    <Dialog title={t('keys.made', { name })} text={t('keys.made.text')} onClose={onClose}>
      <Once label={t('keys.text.label')} text={text} help={t('keys.usage')} />
      <footer className="dialog-foot">
        <button type="button" className="button primary" onClick={onClose}>
          {t('keys.taken')}
        </button>
      </footer>
    </Dialog>
  )
}
