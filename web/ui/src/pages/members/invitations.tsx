// Who is invited: by letter where a mail server is set, else by a link to hand over.
import { useQuery } from '@tanstack/react-query'
import { Link2, Mail, X } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { InvitationOut } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { SelectField, TextField } from '../../kit/fields'
import { Once } from '../../kit/once'
import { Trouble } from '../../kit/parts'
import { Section } from '../../kit/section'
import { fail, say } from '../../kit/toasts'
import { moment, until } from '../../lib/format'
import { t } from '../../lib/text'
import { useRoleName, useRoles } from '../roles/choice'

export function Invitations() {
  const [link, setLink] = useState<{ email: string; text: string } | null>(null)
  const { data, error, refetch } = useQuery({
    queryKey: ['invitations'],
    queryFn: () => call('GET /invitations', { query: { per_page: 100 } }),
  })
  const roleName = useRoleName()
  const make = (one: InvitationOut) =>
    void call('POST /invitations/{invitation_id}/link', { path: { invitation_id: one.id } })
      .then(({ link: text }) => setLink({ email: one.email, text }))
      .catch(fail)
  const revoke = (one: InvitationOut) =>
    void call('DELETE /invitations/{invitation_id}', { path: { invitation_id: one.id } })
      .then(async () => {
        await stale('invitations')
        say(t('members.revoked', { email: one.email }), 'ok')
      })
      .catch(fail)
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data?.length) return null
  return (
    <Section title={t('members.invitations')} text={t('members.invitations.text')}>
      <ul className="lines">
        {data.map((one) => (
          <li key={one.id}>
            <span className="line-icon">
              <Mail size={17} aria-hidden="true" />
            </span>
            <span className="line-text">
              <strong>{one.email}</strong>
              <span className="soft">{roleName(one.role)}</span>
            </span>
            <span className="soft line-aside" title={moment(one.expires_at)}>
              {t('members.expires', { when: until(one.expires_at) })}
            </span>
            <button
              type="button"
              className="button"
              aria-label={t('members.linkFor', { email: one.email })}
              onClick={() => make(one)}
            >
              <Link2 size={15} aria-hidden="true" />
              {t('members.newLink')}
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={t('members.revokeFor', { email: one.email })}
              title={t('members.revoke')}
              onClick={() => revoke(one)}
            >
              <X size={16} />
            </button>
          </li>
        ))}
      </ul>
      {link && (
        <Dialog
          title={t('members.link.title', { email: link.email })}
          text={t('members.link.text')}
          onClose={() => setLink(null)}
        >
          <Once label={t('members.link')} text={link.text} />
        </Dialog>
      )}
    </Section>
  )
}

export function Invite({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [role, setRole] = useState('editor')
  const [days, setDays] = useState('7')
  const [made, setMade] = useState<InvitationOut | null>(null)
  const roles = useRoles()
  const { busy, errors, act } = useAct(['email', 'role', 'days'])
  const invite = () =>
    act(async () => {
      const done = await call('POST /invitations', { body: { email, role, days: Number(days) } })
      stale('invitations')
      if (done.link) setMade(done)
      else {
        say(t('members.sent', { email }), 'ok')
        onClose()
      }
    })
  if (made?.link) {
    return (
      <Dialog title={t('members.invited', { email: made.email })} text={t('members.link.text')} onClose={onClose}>
        <Once label={t('members.link')} text={made.link} help={t('members.noMail')} />
        <footer className="dialog-foot">
          <button type="button" className="button primary" onClick={onClose}>
            {t('admin.close')}
          </button>
        </footer>
      </Dialog>
    )
  }
  return (
    <Dialog title={t('members.invite')} text={t('members.invite.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void invite()
        }}
      >
        <TextField
          label={t('members.email')}
          type="email"
          required
          autoComplete="off"
          value={email}
          onChange={setEmail}
          error={errors.email}
        />
        <div className="two">
          <SelectField label={t('members.role')} value={role} onChange={setRole} choices={roles} error={errors.role} />
          <SelectField
            label={t('members.goodFor')}
            value={days}
            onChange={setDays}
            error={errors.days}
            choices={['1', '7', '14', '30'].map((value) => ({ value, word: t('keys.days', { n: Number(value) }) }))}
          />
        </div>
        <Refused errors={errors} />
        <Foot word={t('members.invite')} busy={busy} ready={Boolean(email)} onClose={onClose} />
      </form>
    </Dialog>
  )
}
