// Groups: people who get grants together.
import { useQuery } from '@tanstack/react-query'
import { Plus, Users, X } from 'lucide-react'
import { useState } from 'react'
import { allOf } from '../../api/all'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import { gone } from '../../api/queries'
import type { GroupOut } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Ask, Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { TextField } from '../../kit/fields'
import { MoreMenu } from '../../kit/more-menu'
import { Empty, Trouble, Waiting } from '../../kit/parts'
import { Face, Section } from '../../kit/section'
import { fail } from '../../kit/toasts'
import { t } from '../../lib/text'
import { useMembers } from '../members/people'

export const useGroups = () =>
  useQuery({ queryKey: ['groups'], queryFn: () => call('GET /groups', { query: { per_page: 100 } }) })
type Open = { what: 'edit'; group: GroupOut | null } | { what: 'drop'; group: GroupOut } | null

export function Groups() {
  const [open, setOpen] = useState<Open>(null)
  const { data, error, refetch } = useGroups()
  const close = () => setOpen(null)
  const add = (
    <button type="button" className="button primary" onClick={() => setOpen({ what: 'edit', group: null })}>
      <Plus size={16} aria-hidden="true" />
      {t('members.newGroup')}
    </button>
  )
  return (
    <>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('members.tab.groups')} />
      ) : data.length === 0 ? (
        <Section title={t('members.tab.groups')}>
          <Empty title={t('members.noGroups')} text={t('members.noGroups.text')}>
            {add}
          </Empty>
        </Section>
      ) : (
        <>
          <div className="row list-head">
            <p className="soft grow">{t('members.groups.text')}</p>
            {add}
          </div>
          <div className="sections two-wide">
            {data.map((group) => (
              <Group
                key={group.id}
                group={group}
                onEdit={() => setOpen({ what: 'edit', group })}
                onDrop={() => setOpen({ what: 'drop', group })}
              />
            ))}
          </div>
        </>
      )}
      {open?.what === 'edit' && <Edit group={open.group} onClose={close} />}
      {open?.what === 'drop' && (
        <Ask
          title={t('members.dropGroup.title', { name: open.group.name })}
          text={t('members.dropGroup.text')}
          word={t('members.drop')}
          onClose={close}
          onAct={() =>
            call('DELETE /groups/{group_id}', { path: { group_id: open.group.id } }).then(() =>
              gone(['groups'], open.group.id),
            )
          }
        />
      )}
    </>
  )
}

function Group({ group, onEdit, onDrop }: { group: GroupOut; onEdit: () => void; onDrop: () => void }) {
  const key = ['groups', group.id, 'members']
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: () => allOf('GET /groups/{group_id}/members', { path: { group_id: group.id } }),
  })
  const members = useMembers()
  const inside = new Set(data?.map(({ user_id }) => user_id))
  const others = members.data?.filter((one) => one.is_active && !inside.has(one.id)) ?? []
  const add = (user_id: string) =>
    void call('POST /groups/{group_id}/members', { path: { group_id: group.id }, body: { user_id } })
      .then(() => stale('groups'))
      .catch(fail)
  const drop = (user_id: string) =>
    void call('DELETE /groups/{group_id}/members/{user_id}', { path: { group_id: group.id, user_id } })
      .then(() => stale('groups'))
      .catch(fail)
  return (
    <Section
      title={group.name}
      text={group.description || t('members.inGroup', { n: data?.length ?? 0 })}
      actions={
        <MoreMenu
          label={t('members.actsOf', { name: group.name })}
          acts={[
            { word: t('members.rename'), run: onEdit },
            { word: t('members.drop'), run: onDrop },
          ]}
        />
      }
    >
      {error && <Trouble error={error} />}
      {data?.length === 0 && (
        <p className="soft nobody">
          <Users size={16} aria-hidden="true" />
          {t('members.nobody')}
        </p>
      )}
      <ul className="chip-list">
        {data?.map((one) => (
          <li key={one.user_id}>
            <Face name={one.full_name || one.email} />
            <span title={one.email}>{one.full_name || one.email}</span>
            <button
              type="button"
              className="icon-button"
              aria-label={t('members.takeOut', { name: one.full_name, group: group.name })}
              onClick={() => drop(one.user_id)}
            >
              <X size={14} />
            </button>
          </li>
        ))}
      </ul>
      {others.length > 0 && (
        <select
          className="line-choice"
          aria-label={t('members.addTo', { group: group.name })}
          value=""
          onChange={({ target }) => add(target.value)}
        >
          <option value="" disabled>
            {t('members.add')}
          </option>
          {others.map((one) => (
            <option key={one.id} value={one.id}>
              {one.full_name || one.email}
            </option>
          ))}
        </select>
      )}
    </Section>
  )
}

function Edit({ group, onClose }: { group: GroupOut | null; onClose: () => void }) {
  const [name, setName] = useState(group?.name ?? '')
  const [description, setDescription] = useState(group?.description ?? '')
  const { busy, errors, act } = useAct(['name', 'description'])
  const save = () =>
    act(async () => {
      const body = { name, description }
      if (group)
        await call('PATCH /groups/{group_id}', { path: { group_id: group.id }, body, version: group.row_version })
      else await call('POST /groups', { body })
      stale('groups')
      onClose()
    })
  return (
    <Dialog title={group ? t('members.rename') : t('members.newGroup')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void save()
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
        <TextField
          label={t('members.description')}
          value={description}
          onChange={setDescription}
          maxLength={500}
          autoComplete="off"
          error={errors.description}
        />
        <Refused errors={errors} />
        <Foot word={t('admin.save')} busy={busy} ready={Boolean(name.trim())} onClose={onClose} />
      </form>
    </Dialog>
  )
}
