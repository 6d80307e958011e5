// Where one is a member: go on in another, or make one.
import { useQuery } from '@tanstack/react-query'
import { ArrowRight, Plus } from 'lucide-react'
import { useState } from 'react'
import { allOf } from '../../api/all'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import { useAct } from '../../kit/act'
import { Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { TextField } from '../../kit/fields'
import { Trouble, Waiting } from '../../kit/parts'
import { Face, Section } from '../../kit/section'
import { fail } from '../../kit/toasts'
import { t } from '../../lib/text'
import { roleWord } from '../../lib/rights'

export function Organizations() {
  const [making, setMaking] = useState(false)
  const { data, error, refetch } = useQuery({ queryKey: ['organizations'], queryFn: () => allOf('GET /organizations') })
  const go = (id: string) =>
    void call('POST /organizations/{organization_id}/switch', { path: { organization_id: id } })
      .then(() => location.assign('/'))
      .catch(fail)
  const add = (
    <button type="button" className="button" onClick={() => setMaking(true)}>
      <Plus size={16} aria-hidden="true" />
      {t('profile.newOrganization')}
    </button>
  )
  return (
    <Section title={t('profile.organizations')} text={t('profile.organizations.text')} actions={add}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('profile.organizations')} />
      ) : (
        <ul className="lines">
          {data.map((one) => (
            <li key={one.id}>
              <Face name={one.name} />
              <span className="line-text">
                <strong>{one.name}</strong>
                <span className="soft">
                  {roleWord(one.role)} · {one.slug}
                </span>
              </span>
              {one.current ? (
                <span className="badge" data-tone="ok">
                  {t('profile.here')}
                </span>
              ) : (
                <button
                  type="button"
                  className="button"
                  aria-label={t('profile.goTo', { name: one.name })}
                  onClick={() => go(one.id)}
                >
                  {t('profile.go')}
                  <ArrowRight size={15} aria-hidden="true" />
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {making && <Make onClose={() => setMaking(false)} />}
    </Section>
  )
}

function Make({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const { busy, errors, act } = useAct(['name'])
  const make = () =>
    act(
      async () => {
        await call('POST /organizations', { body: { name } })
        stale('organizations')
        onClose()
      },
      t('profile.organizationMade', { name }),
    )
  return (
    <Dialog title={t('profile.newOrganization')} text={t('profile.newOrganization.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void make()
        }}
      >
        <TextField
          label={t('profile.organizationName')}
          value={name}
          onChange={setName}
          required
          maxLength={200}
          autoComplete="organization"
          error={errors.name}
        />
        <Refused errors={errors} />
        <Foot word={t('admin.create')} busy={busy} ready={Boolean(name.trim())} onClose={onClose} />
      </form>
    </Dialog>
  )
}
