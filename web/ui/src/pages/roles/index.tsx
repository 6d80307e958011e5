// Roles: what each may do, as a matrix; an organization makes its own.
import { Lock, Plus } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { Me, RoleOut } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Ask, Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { TextField } from '../../kit/fields'
import { Trouble, Waiting } from '../../kit/parts'
import { Rights } from '../../kit/rights'
import { Section } from '../../kit/section'
import { t } from '../../lib/text'
import { useRoleList } from './choice'
import { roleWord } from '../../lib/rights'

export function Roles({ me }: { me: Me }) {
  const [at, setAt] = useState('viewer')
  const [editing, setEditing] = useState<{ role: RoleOut | null; from: string[] } | null>(null)
  const [dropping, setDropping] = useState<RoleOut | null>(null)
  const { data, error, refetch } = useRoleList()
  const may = me.permissions.includes('organization:manage_members')
  if (error) return <Trouble error={error} again={() => void refetch()} />
  const one = data?.find(({ id }) => id === at) ?? data?.[0]
  if (!data || !one) return <Waiting what={t('members.tab.roles')} />
  const every = data.find(({ id }) => id === 'owner')?.permissions ?? []
  const name = roleWord(one.id, one.name)
  const acts = may && (
    <>
      <button type="button" className="button" onClick={() => setEditing({ role: null, from: one.permissions })}>
        {t('members.copyRole')}
      </button>
      {!one.built_in && (
        <button type="button" className="button" onClick={() => setDropping(one)}>
          {t('members.drop')}
        </button>
      )}
      {!one.built_in && (
        <button
          type="button"
          className="button primary"
          onClick={() => setEditing({ role: one, from: one.permissions })}
        >
          {t('members.change')}
        </button>
      )}
    </>
  )
  return (
    <div className="list-and-one">
      <nav className="card pick-list" aria-label={t('members.tab.roles')}>
        {data.map((role) => (
          <button key={role.id} type="button" aria-pressed={role.id === one.id} onClick={() => setAt(role.id)}>
            <span>{roleWord(role.id, role.name)}</span>
            <span className="soft">
              {role.built_in && <Lock size={13} role="img" aria-label={t('members.builtIn')} />}
              {t('keys.rights', { n: role.permissions.length })}
            </span>
          </button>
        ))}
        {may && (
          <button type="button" className="pick-add" onClick={() => setEditing({ role: null, from: [] })}>
            <span className="row">
              <Plus size={15} aria-hidden="true" />
              {t('members.newRole')}
            </span>
          </button>
        )}
      </nav>
      <Section
        title={name}
        text={one.built_in ? t(`rights.about.${one.id}`) : one.description || t('members.ownRole')}
        actions={acts}
      >
        <Rights every={every} held={one.permissions} label={t('members.rightsOf', { name })} />
      </Section>
      {editing && (
        <Edit
          every={every.filter((right) => me.permissions.includes(right))}
          {...editing}
          onClose={() => setEditing(null)}
          onSaved={setAt}
        />
      )}
      {dropping && (
        <Ask
          title={t('members.dropRole.title', { name: dropping.name })}
          text={t('members.dropRole.text')}
          word={t('members.drop')}
          onClose={() => setDropping(null)}
          onAct={() => call('DELETE /roles/{role_id}', { path: { role_id: dropping.id } }).then(() => stale('roles'))}
        />
      )}
    </div>
  )
}

type EditProps = {
  role: RoleOut | null
  from: string[]
  every: string[]
  onClose: () => void
  onSaved: (id: string) => void
}

function Edit({ role, from, every, onClose, onSaved }: EditProps) {
  const [name, setName] = useState(role?.name ?? '')
  const [description, setDescription] = useState(role?.description ?? '')
  const [held, setHeld] = useState(from.filter((right) => every.includes(right)))
  const { busy, errors, act } = useAct(['name', 'description', 'permissions'])
  const save = () =>
    act(async () => {
      const body = { name, description, permissions: held }
      const made = role
        ? await call('PATCH /roles/{role_id}', { path: { role_id: role.id }, body, version: role.row_version ?? 0 })
        : await call('POST /roles', { body })
      stale('roles', 'me')
      onSaved(made.id)
      onClose()
    })
  return (
    <Dialog title={role ? role.name : t('members.newRole')} size="large" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <div className="two">
          <TextField
            label={t('members.name')}
            value={name}
            onChange={setName}
            required
            maxLength={100}
            autoComplete="off"
            error={errors.name}
          />
          <TextField
            label={t('members.description')}
            value={description}
            onChange={setDescription}
            maxLength={500}
            autoComplete="off"
            error={errors.description}
          />
        </div>
        <Rights every={every} held={held} onChange={setHeld} label={t('keys.scopes')} />
        {errors.permissions && (
          <p className="field-error" role="alert">
            {errors.permissions}
          </p>
        )}
        <Refused errors={errors} />
        <Foot word={t('admin.save')} busy={busy} ready={Boolean(name.trim()) && held.length > 0} onClose={onClose} />
      </form>
    </Dialog>
  )
}
