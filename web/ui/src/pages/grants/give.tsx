// A new grant: who gets what, on what, until when.
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import { useAct } from '../../kit/act'
import { Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { SelectField, TextField } from '../../kit/fields'
import { t } from '../../lib/text'
import { useGroups } from '../groups'
import { useMembers } from '../members/people'
import { useRoleList } from '../roles/choice'
import { KINDS, useThings } from './objects'
import type { Kind } from './objects'

const LEVELS = ['view', 'execute', 'edit', 'admin'] as const

export function Give({ onClose }: { onClose: () => void }) {
  const [who, setWho] = useState('')
  const [kind, setKind] = useState<Kind>('workspace')
  const [object_id, setObject] = useState('')
  const [given, setGiven] = useState('level:view')
  const [until, setUntil] = useState('')
  const members = useMembers()
  const groups = useGroups()
  const things = useThings(kind)
  const roles = useRoleList()
  const { busy, errors, act } = useAct(['object_id', 'user_id', 'group_id', 'level', 'role', 'expires_at'])
  const save = () =>
    act(async () => {
      const [party, id = ''] = who.split(':')
      const [type, name = ''] = given.split(':')
      const body = {
        object_type: kind,
        object_id,
        expires_at: until ? new Date(`${until}T23:59:59`).toISOString() : null,
        ...(party === 'group' ? { group_id: id } : { user_id: id }),
        ...(type === 'role' ? { role: name } : { level: name as (typeof LEVELS)[number] }),
      }
      await call('POST /permissions', { body })
      stale('grants', 'why')
      onClose()
    }, t('grants.given'))
  const nobody = { value: '', word: t('grants.choose') }
  const people = (members.data ?? [])
    .filter((one) => one.is_active)
    .map((one) => ({ value: `user:${one.id}`, word: one.full_name || one.email, group: t('members.tab.people') }))
  const parties = (groups.data ?? []).map((one) => ({
    value: `group:${one.id}`,
    word: one.name,
    group: t('members.tab.groups'),
  }))
  const levels = LEVELS.map((one) => ({
    value: `level:${one}`,
    word: t(`grants.level.${one}`),
    group: t('grants.levels'),
  }))
  const own = (roles.data ?? [])
    .filter((one) => !one.built_in)
    .map((one) => ({ value: `role:${one.id}`, word: one.name, group: t('rights.own') }))
  return (
    <Dialog title={t('grants.give')} text={t('grants.give.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <SelectField
          label={t('grants.who')}
          value={who}
          onChange={setWho}
          required
          choices={[nobody, ...parties, ...people]}
          error={errors.user_id ?? errors.group_id}
        />
        <SelectField
          label={t('grants.given.label')}
          value={given}
          onChange={setGiven}
          choices={[...levels, ...own]}
          help={given.startsWith('level:') ? t(`grants.about.${given.slice(6)}`) : ''}
          error={errors.level ?? errors.role}
        />
        <div className="two">
          <SelectField
            label={t('grants.on')}
            value={kind}
            onChange={(value) => {
              setKind(value as Kind)
              setObject('')
            }}
            choices={KINDS.map((value) => ({ value, word: t(`grants.kind.${value}`) }))}
          />
          <SelectField
            label={t('grants.which')}
            value={object_id}
            onChange={setObject}
            required
            choices={[nobody, ...(things.data ?? []).map((one) => ({ value: one.id, word: one.name }))]}
            error={errors.object_id}
          />
        </div>
        <TextField
          label={t('grants.until')}
          type="date"
          value={until}
          onChange={setUntil}
          help={t('grants.until.text')}
          error={errors.expires_at}
        />
        <Refused errors={errors} />
        <Foot word={t('grants.give')} busy={busy} ready={Boolean(who && object_id)} onClose={onClose} />
      </form>
    </Dialog>
  )
}
