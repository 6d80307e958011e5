// Service accounts: programs with a role and keys of their own, so that nothing stops when somebody leaves.
import { useQuery } from '@tanstack/react-query'
import { Bot, ChevronLeft, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { allOf } from '../../api/all'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { Me, ServiceAccountOut } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Ask, Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { SelectField, TextField } from '../../kit/fields'
import { Empty, Trouble, Waiting } from '../../kit/parts'
import { Section } from '../../kit/section'
import { fail, say } from '../../kit/toasts'
import { t } from '../../lib/text'
import { Keys } from '../keys'
import { RoleChoice, useRoleList, useRoles } from '../roles/choice'

export function Services({ me }: { me: Me }) {
  const [adding, setAdding] = useState(false)
  const [dropping, setDropping] = useState<ServiceAccountOut | null>(null)
  const [at, setAt] = useState('')
  const { data, error, refetch } = useQuery({
    queryKey: ['service-accounts'],
    queryFn: () => allOf('GET /service-accounts'),
  })
  const roles = useRoleList()
  const one = data?.find(({ id }) => id === at)
  const rights =
    roles.data?.find(({ id }) => id === one?.role)?.permissions.filter((right) => me.permissions.includes(right)) ?? []
  if (one) {
    return (
      <>
        <p className="back">
          <button type="button" className="button" onClick={() => setAt('')}>
            <ChevronLeft size={15} aria-hidden="true" />
            {t('members.services')}
          </button>
        </p>
        <Keys
          owner={one.id}
          rights={rights}
          title={t('members.keysOf', { name: one.name })}
          text={t('members.keysOf.text')}
        />
      </>
    )
  }
  const change = (account: ServiceAccountOut, role: string) =>
    void call('PATCH /service-accounts/{account_id}', {
      path: { account_id: account.id },
      body: { role },
      version: account.row_version,
    })
      .then(async () => {
        await stale('service-accounts')
        say(t('members.roleChanged', { name: account.name }), 'ok')
      })
      .catch(fail)
  const add = (
    <button type="button" className="button primary" onClick={() => setAdding(true)}>
      <Plus size={16} aria-hidden="true" />
      {t('members.newService')}
    </button>
  )
  return (
    <Section title={t('members.services')} text={t('members.services.text')} actions={data?.length ? add : null}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('members.services')} />
      ) : data.length === 0 ? (
        <Empty title={t('members.noServices')} text={t('members.noServices.text')}>
          {add}
        </Empty>
      ) : (
        <ul className="lines">
          {data.map((account) => (
            <li key={account.id}>
              <span className="line-icon">
                <Bot size={17} aria-hidden="true" />
              </span>
              <span className="line-text">
                <strong>{account.name}</strong>
              </span>
              <button
                type="button"
                className="button"
                aria-label={t('members.keysOf', { name: account.name })}
                onClick={() => setAt(account.id)}
              >
                {t('members.keys')}
              </button>
              <RoleChoice
                label={t('members.roleOf', { name: account.name })}
                value={account.role}
                onChange={(role) => change(account, role)}
              />
              <button
                type="button"
                className="icon-button"
                aria-label={t('members.dropOf', { name: account.name })}
                title={t('members.drop')}
                onClick={() => setDropping(account)}
              >
                <Trash2 size={15} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {adding && <Add onClose={() => setAdding(false)} onMade={setAt} />}
      {dropping && (
        <Ask
          title={t('members.drop.title', { name: dropping.name })}
          text={t('members.drop.text')}
          word={t('members.drop')}
          onClose={() => setDropping(null)}
          onAct={() =>
            call('DELETE /service-accounts/{account_id}', { path: { account_id: dropping.id } }).then(() =>
              stale('service-accounts'),
            )
          }
        />
      )}
    </Section>
  )
}

function Add({ onClose, onMade }: { onClose: () => void; onMade: (id: string) => void }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState('operator')
  const roles = useRoles()
  const { busy, errors, act } = useAct(['name', 'role'])
  const make = () =>
    act(async () => {
      const { id } = await call('POST /service-accounts', { body: { name, role } })
      stale('service-accounts')
      onClose()
      onMade(id)
    })
  return (
    <Dialog title={t('members.newService')} text={t('members.newService.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void make()
        }}
      >
        <TextField
          label={t('members.name')}
          value={name}
          onChange={setName}
          required
          maxLength={100}
          autoComplete="off"
          error={errors.name}
        />
        <SelectField label={t('members.role')} value={role} onChange={setRole} choices={roles} error={errors.role} />
        <Refused errors={errors} />
        <Foot word={t('admin.create')} busy={busy} ready={Boolean(name.trim())} onClose={onClose} />
      </form>
    </Dialog>
  )
}
