// Settings of the organization and of its workspaces.
import { useQuery } from '@tanstack/react-query'
import { ChartNoAxesColumn, FolderOpen, Plus } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { call } from '../../api/call'
import { stale, useMine } from '../../api/mine'
import type { Me, WholeOut, WorkspaceOut } from '../../api/types.gen'
import { useTitle } from '../../app/title'
import { useAct } from '../../kit/act'
import { Ask, Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { TextField } from '../../kit/fields'
import { MoreMenu } from '../../kit/more-menu'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { Section } from '../../kit/section'
import { LinkTabs } from '../../kit/link-tabs'
import { say } from '../../kit/toasts'
import { since } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/admin.css'

export default function Settings({ tab = '' }: { tab?: string }) {
  useTitle(t('settings.title'))
  const { data: me, error, refetch } = useMine()
  return (
    <Page title={t('settings.title')} text={me?.organization.name}>
      <LinkTabs
        label={t('settings.title')}
        tabs={[
          { href: '/settings', word: t('settings.organization') },
          { href: '/settings/workspaces', word: t('settings.workspaces') },
        ]}
      />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !me ? (
        <Waiting what={t('settings.title')} />
      ) : tab === 'workspaces' ? (
        <Workspaces me={me} />
      ) : (
        <Organization me={me} />
      )}
    </Page>
  )
}

function Organization({ me }: { me: Me }) {
  const id = me.organization.id
  const { data, error, refetch } = useQuery({
    queryKey: ['organization', id],
    queryFn: () => call('GET /organizations/{organization_id}', { path: { organization_id: id } }),
  })
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('settings.organization')} />
  return (
    <div className="sections">
      <General key={data.row_version} whole={data} may={me.permissions.includes('organization:update')} />
      <Ends whole={data} me={me} />
    </div>
  )
}

function General({ whole, may }: { whole: WholeOut; may: boolean }) {
  const [name, setName] = useState(whole.name)
  const [mail, setMail] = useState(whole.billing_email ?? '')
  const { busy, errors, act } = useAct(['name', 'billing_email'])
  const save = () =>
    act(async () => {
      await call('PATCH /organizations/{organization_id}', {
        path: { organization_id: whole.id },
        body: { name, billing_email: mail || null },
        version: whole.row_version,
      })
      stale('organization', 'organizations', 'me')
    }, t('profile.saved'))
  const same = name === whole.name && mail === (whole.billing_email ?? '')
  return (
    <Section title={t('settings.general')} text={t('settings.general.text')} side>
      <form
        className="narrow-form"
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <TextField
          label={t('settings.name')}
          value={name}
          onChange={setName}
          required
          maxLength={200}
          disabled={!may}
          error={errors.name}
          help={t('settings.slug', { slug: whole.slug })}
        />
        <TextField
          label={t('settings.billing')}
          type="email"
          value={mail}
          onChange={setMail}
          disabled={!may}
          error={errors.billing_email}
        />
        <Refused errors={errors} />
        {may && (
          <button className="button primary" disabled={busy || same || !name.trim()}>
            {t('admin.save')}
          </button>
        )}
      </form>
    </Section>
  )
}

function Ends({ whole, me }: { whole: WholeOut; me: Me }) {
  const [asking, setAsking] = useState<'' | 'leave' | 'close'>('')
  const path = { organization_id: whole.id }
  const out = () => location.assign('/login')
  return (
    <Section title={t('settings.end')} text={t('settings.end.text')} side>
      <div className="ends">
        <p>
          <button type="button" className="button" onClick={() => setAsking('leave')}>
            {t('settings.leave')}
          </button>
          <span className="soft">{t('settings.leave.text')}</span>
        </p>
        {me.permissions.includes('organization:delete') && (
          <p>
            <button type="button" className="button danger" onClick={() => setAsking('close')}>
              {t('settings.close')}
            </button>
            <span className="soft">{t('settings.close.text')}</span>
          </p>
        )}
      </div>
      {asking === 'leave' && (
        <Ask
          title={t('settings.leave.title', { name: whole.name })}
          text={t('settings.leave.sure')}
          word={t('settings.leave')}
          onClose={() => setAsking('')}
          onAct={() => call('POST /organizations/{organization_id}/leave', { path }).then(out)}
        />
      )}
      {asking === 'close' && (
        <Ask
          title={t('settings.close.title', { name: whole.name })}
          text={t('settings.close.sure')}
          typed={whole.name}
          word={t('settings.close')}
          onClose={() => setAsking('')}
          onAct={() => call('DELETE /organizations/{organization_id}', { path }).then(out)}
        />
      )}
    </Section>
  )
}

type Open = { what: 'edit'; one: WorkspaceOut | null } | { what: 'drop'; one: WorkspaceOut } | null

function Workspaces({ me }: { me: Me }) {
  const [open, setOpen] = useState<Open>(null)
  const { data, error, refetch } = useQuery({
    queryKey: ['workspaces'],
    queryFn: () => call('GET /workspaces', { query: { per_page: 100 } }),
  })
  const may = (right: string) => me.permissions.includes(`workspace:${right}`)
  const add = may('create') && (
    <button type="button" className="button primary" onClick={() => setOpen({ what: 'edit', one: null })}>
      <Plus size={16} aria-hidden="true" />
      {t('settings.newWorkspace')}
    </button>
  )
  const acts = (one: WorkspaceOut) => [
    ...(may('update') ? [{ word: t('members.rename'), run: () => setOpen({ what: 'edit', one }) }] : []),
    ...(may('delete') ? [{ word: t('members.drop'), run: () => setOpen({ what: 'drop', one }) }] : []),
  ]
  return (
    <Section title={t('settings.workspaces')} text={t('settings.workspaces.text')} actions={add}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('settings.workspaces')} />
      ) : data.length === 0 ? (
        <Empty title={t('settings.noWorkspace')} text={t('settings.noWorkspace.text')} />
      ) : (
        <ul className="lines">
          {data.map((one) => (
            <li key={one.id}>
              <span className="line-icon">
                <FolderOpen size={17} aria-hidden="true" />
              </span>
              <span className="line-text">
                <strong>{one.name}</strong>
                <span className="soft">{one.description || t('settings.since', { when: since(one.created_at) })}</span>
              </span>
              <Link href={`/analytics/${one.id}`} className="button">
                <ChartNoAxesColumn size={15} aria-hidden="true" />
                {t('settings.figures')}
              </Link>
              <MoreMenu label={t('members.actsOf', { name: one.name })} acts={acts(one)} />
            </li>
          ))}
        </ul>
      )}
      {open?.what === 'edit' && <Edit one={open.one} onClose={() => setOpen(null)} />}
      {open?.what === 'drop' && (
        <Ask
          title={t('settings.drop.title', { name: open.one.name })}
          text={t('settings.drop.text')}
          typed={open.one.name}
          word={t('members.drop')}
          onClose={() => setOpen(null)}
          onAct={() =>
            call('DELETE /workspaces/{workspace_id}', { path: { workspace_id: open.one.id } }).then(async () => {
              await stale('workspaces', 'flows')
              say(t('settings.dropped', { name: open.one.name }), 'ok')
            })
          }
        />
      )}
    </Section>
  )
}

function Edit({ one, onClose }: { one: WorkspaceOut | null; onClose: () => void }) {
  const [name, setName] = useState(one?.name ?? '')
  const [description, setDescription] = useState(one?.description ?? '')
  const { busy, errors, act } = useAct(['name', 'description'])
  const save = () =>
    act(async () => {
      if (one)
        await call('PATCH /workspaces/{workspace_id}', {
          path: { workspace_id: one.id },
          body: { name, description },
          version: one.row_version,
        })
      else await call('POST /workspaces', { body: { name, description } })
      stale('workspaces', 'things')
      onClose()
    })
  return (
    <Dialog title={one ? one.name : t('settings.newWorkspace')} onClose={onClose}>
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
          maxLength={200}
          autoComplete="off"
          error={errors.name}
        />
        <TextField
          label={t('members.description')}
          value={description}
          onChange={setDescription}
          maxLength={2000}
          autoComplete="off"
          error={errors.description}
        />
        <Refused errors={errors} />
        <Foot word={t('admin.save')} busy={busy} ready={Boolean(name.trim())} onClose={onClose} />
      </form>
    </Dialog>
  )
}
