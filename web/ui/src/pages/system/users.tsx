// Everybody with an account on this installation.
import { useQuery } from '@tanstack/react-query'
import { UserPlus } from 'lucide-react'
import { useState } from 'react'
import { call, listed } from '../../api/call'
import { stale, useMine } from '../../api/mine'
import type { UsersUserOut as User, UsersUserPatch } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Ask, Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { TextField } from '../../kit/fields'
import { MoreMenu } from '../../kit/more-menu'
import { Empty, Pages, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { Face, Section } from '../../kit/section'
import { fail, say } from '../../kit/toasts'
import { moment, since } from '../../lib/format'
import { t } from '../../lib/text'

export function Users() {
  const [q, setQ] = useState('')
  const [page, setPage] = useState(1)
  const [adding, setAdding] = useState(false)
  const [asking, setAsking] = useState<{ one: User; admin: boolean } | null>(null)
  const { data: me } = useMine()
  const { data, error, refetch } = useQuery({
    queryKey: ['users', q, page],
    queryFn: () => listed('GET /users', { query: { q, page, per_page: 25 } }),
  })
  const change = (one: User, body: UsersUserPatch) =>
    call('PATCH /users/{person_id}', { path: { person_id: one.id }, body, version: one.row_version }).then(() =>
      stale('users'),
    )
  const turn = (one: User) =>
    void change(one, { is_active: !one.is_active })
      .then(() => say(t(one.is_active ? 'members.shutOut' : 'members.letIn', { name: one.full_name }), 'ok'))
      .catch(fail)
  return (
    <Section
      title={t('system.users')}
      text={t('system.users.text')}
      actions={
        <button type="button" className="button primary" onClick={() => setAdding(true)}>
          <UserPlus size={16} aria-hidden="true" />
          {t('system.newUser')}
        </button>
      }
    >
      <SearchBox
        label={t('members.search')}
        value={q}
        onChange={(text) => {
          setQ(text)
          setPage(1)
        }}
      />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('system.users')} />
      ) : data.data.length === 0 ? (
        <Empty title={t('members.none')} text={t('members.none.text')} />
      ) : (
        <ul className="lines">
          {data.data.map((one) => {
            const name = one.full_name || one.email
            const self = one.id === me?.user.id
            return (
              <li key={one.id}>
                <Face name={name} />
                <span className="line-text">
                  <strong>
                    {name}
                    {self && <span className="soft"> {t('members.you')}</span>}
                  </strong>
                  <span className="soft">{one.email}</span>
                </span>
                {one.is_platform_admin && (
                  <span className="badge" data-tone="run">
                    {t('system.platformAdmin')}
                  </span>
                )}
                {!one.is_active && (
                  <span className="badge" data-tone="warn">
                    {t('members.inactive')}
                  </span>
                )}
                <span
                  className="soft line-aside line-when"
                  title={one.last_login_at ? moment(one.last_login_at) : undefined}
                >
                  {one.last_login_at ? t('members.seen', { when: since(one.last_login_at) }) : t('members.neverSeen')}
                </span>
                <MoreMenu
                  label={t('members.actsOf', { name })}
                  acts={
                    self
                      ? []
                      : [
                          {
                            word: t(one.is_platform_admin ? 'system.noAdmin' : 'system.makeAdmin'),
                            run: () => setAsking({ one, admin: !one.is_platform_admin }),
                          },
                          { word: t(one.is_active ? 'members.deactivate' : 'members.activate'), run: () => turn(one) },
                        ]
                  }
                />
              </li>
            )
          })}
        </ul>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={setPage} />
      {adding && <Add onClose={() => setAdding(false)} />}
      {asking && (
        <Ask
          safe
          title={t(asking.admin ? 'system.makeAdmin.title' : 'system.noAdmin.title', { name: asking.one.full_name })}
          text={t('system.makeAdmin.text')}
          word={t(asking.admin ? 'system.makeAdmin' : 'system.noAdmin')}
          onClose={() => setAsking(null)}
          onAct={() => change(asking.one, { is_platform_admin: asking.admin })}
        />
      )}
    </Section>
  )
}

function Add({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const { busy, errors, act } = useAct(['email', 'full_name'])
  const make = () =>
    act(
      async () => {
        await call('POST /users', { body: { email, full_name: name } })
        stale('users', 'letters')
        onClose()
      },
      t('system.userMade', { email }),
    )
  return (
    <Dialog title={t('system.newUser')} text={t('system.newUser.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void make()
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
        <TextField
          label={t('members.name')}
          value={name}
          onChange={setName}
          autoComplete="off"
          maxLength={200}
          error={errors.full_name}
        />
        <Refused errors={errors} />
        <Foot word={t('admin.create')} busy={busy} ready={Boolean(email)} onClose={onClose} />
      </form>
    </Dialog>
  )
}
