// The people of the organization, and who is invited.
import { useQuery } from '@tanstack/react-query'
import { UserPlus } from 'lucide-react'
import { useState } from 'react'
import { allOf } from '../../api/all'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { Me, MemberOut } from '../../api/types.gen'
import { Ask } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { MoreMenu } from '../../kit/more-menu'
import { Once } from '../../kit/once'
import { Empty, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { Face, Section } from '../../kit/section'
import { fail, say } from '../../kit/toasts'
import { moment, since } from '../../lib/format'
import { t } from '../../lib/text'
import { RoleChoice } from '../roles/choice'
import { Invitations, Invite } from './invitations'

export const useMembers = (on = true) =>
  useQuery({ queryKey: ['members'], queryFn: () => allOf('GET /members'), enabled: on })

type Asking = { member: MemberOut; what: 'remove' | 'factor' } | null

export function People({ me }: { me: Me }) {
  const [search, setSearch] = useState('')
  const [inviting, setInviting] = useState(false)
  const [asking, setAsking] = useState<Asking>(null)
  const [link, setLink] = useState<{ name: string; text: string } | null>(null)
  const { data, error, refetch } = useMembers()
  const people = data?.filter((one) => one.kind === 'person')
  const found = people?.filter((one) => `${one.full_name} ${one.email}`.toLowerCase().includes(search.toLowerCase()))
  const again = () => stale('members')
  const reset = (one: MemberOut) =>
    void call('POST /members/{user_id}/reset-link', { path: { user_id: one.id } })
      .then(({ link: text }) => setLink({ name: one.full_name, text }))
      .catch(fail)
  const turn = (one: MemberOut, is_active: boolean) =>
    void call('PATCH /members/{user_id}', { path: { user_id: one.id }, body: { is_active }, version: one.row_version })
      .then(async () => {
        await again()
        say(t(is_active ? 'members.letIn' : 'members.shutOut', { name: one.full_name }), 'ok')
      })
      .catch(fail)
  return (
    <div className="sections">
      <Section
        title={t('members.people')}
        text={people && t('members.count', { n: people.length })}
        actions={
          <button type="button" className="button primary" onClick={() => setInviting(true)}>
            <UserPlus size={16} aria-hidden="true" />
            {t('members.invite')}
          </button>
        }
      >
        {people && people.length > 8 && <SearchBox label={t('members.search')} value={search} onChange={setSearch} />}
        {error ? (
          <Trouble error={error} again={() => void refetch()} />
        ) : !found ? (
          <Waiting what={t('members.people')} />
        ) : found.length === 0 ? (
          <Empty title={t('members.none')} text={t('members.none.text')} />
        ) : (
          <ul className="lines">
            {found.map((one) => (
              <Person
                key={one.id}
                one={one}
                self={one.id === me.user.id}
                onReset={() => reset(one)}
                onTurn={(on) => turn(one, on)}
                onAsk={(what) => setAsking({ member: one, what })}
              />
            ))}
          </ul>
        )}
      </Section>
      <Invitations />
      {inviting && <Invite onClose={() => setInviting(false)} />}
      {link && (
        <Dialog
          title={t('members.reset.title', { name: link.name })}
          text={t('members.reset.text')}
          onClose={() => setLink(null)}
        >
          <Once label={t('members.link')} text={link.text} />
        </Dialog>
      )}
      {asking?.what === 'remove' && (
        <Ask
          title={t('members.remove.title', { name: asking.member.full_name })}
          text={t('members.remove.text')}
          word={t('members.remove')}
          onClose={() => setAsking(null)}
          onAct={() => call('DELETE /members/{user_id}', { path: { user_id: asking.member.id } }).then(again)}
        />
      )}
      {asking?.what === 'factor' && (
        <Ask
          title={t('members.factor.title', { name: asking.member.full_name })}
          text={t('members.factor.text')}
          word={t('members.factor')}
          onClose={() => setAsking(null)}
          onAct={() => call('DELETE /members/{user_id}/second-factor', { path: { user_id: asking.member.id } })}
        />
      )}
    </div>
  )
}

type PersonProps = {
  one: MemberOut
  self: boolean
  onReset: () => void
  onTurn: (on: boolean) => void
  onAsk: (what: 'remove' | 'factor') => void
}

function Person({ one, self, onReset, onTurn, onAsk }: PersonProps) {
  const name = one.full_name || one.email
  const change = (role: string) =>
    void call('PATCH /members/{user_id}', { path: { user_id: one.id }, body: { role }, version: one.row_version })
      .then(async () => {
        await stale('members', 'me')
        say(t('members.roleChanged', { name }), 'ok')
      })
      .catch(fail)
  const acts = self
    ? []
    : [
        { word: t('members.reset'), run: onReset },
        { word: t('members.factor'), run: () => onAsk('factor') },
        { word: t(one.is_active ? 'members.deactivate' : 'members.activate'), run: () => onTurn(!one.is_active) },
        { word: t('members.remove'), run: () => onAsk('remove') },
      ]
  return (
    <li>
      <Face name={name} />
      <span className="line-text">
        <strong>
          {name}
          {self && <span className="soft"> {t('members.you')}</span>}
        </strong>
        <span className="soft">{one.email}</span>
      </span>
      {!one.is_active && (
        <span className="badge" data-tone="warn">
          {t('members.inactive')}
        </span>
      )}
      <span className="soft line-aside line-when" title={one.last_login_at ? moment(one.last_login_at) : undefined}>
        {one.last_login_at ? t('members.seen', { when: since(one.last_login_at) }) : t('members.neverSeen')}
      </span>
      <RoleChoice label={t('members.roleOf', { name })} value={one.role} disabled={self} onChange={change} />
      <MoreMenu label={t('members.actsOf', { name })} acts={acts} />
    </li>
  )
}
