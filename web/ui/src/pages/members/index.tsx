// Members and access: people, groups, roles, grants, service accounts, ways to sign in.
import { useMine } from '../../api/mine'
import { useTitle } from '../../app/title'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { NotYours } from '../../kit/section'
import { LinkTabs } from '../../kit/link-tabs'
import { t } from '../../lib/text'
import '../../styles/admin.css'
import { Grants } from '../grants'
import { Groups } from '../groups'
import { Providers } from '../providers'
import { Roles } from '../roles'
import { People } from './people'
import { Services } from './services'

const PARTS = [
  { tab: '', word: 'people', permission: 'organization:manage_members', Shown: People },
  { tab: 'groups', word: 'groups', permission: 'organization:manage_members', Shown: Groups },
  { tab: 'roles', word: 'roles', permission: '', Shown: Roles },
  { tab: 'access', word: 'access', permission: 'grant:manage', Shown: Grants },
  { tab: 'services', word: 'services', permission: 'apikey:manage', Shown: Services },
  { tab: 'sign-in', word: 'signIn', permission: 'organization:update', Shown: Providers },
]

export default function Members({ tab = '' }: { tab?: string }) {
  useTitle(t('members.title'))
  const { data: me, error, refetch } = useMine()
  const part = PARTS.find((one) => one.tab === tab)
  const tabs = PARTS.filter(({ permission }) => !permission || me?.permissions.includes(permission)).map((one) => ({
    href: one.tab ? `/members/${one.tab}` : '/members',
    word: t(`members.tab.${one.word}`),
  }))
  return (
    <Page title={t('members.title')} text={me ? t('members.text', { organization: me.organization.name }) : ''}>
      <LinkTabs label={t('members.title')} tabs={tabs} />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !me ? (
        <Waiting what={t('members.title')} />
      ) : !part ? (
        <Empty title={t('app.nothing')} text={t('app.nothing.why')} />
      ) : part.permission && !me.permissions.includes(part.permission) ? (
        <NotYours permission={part.permission} />
      ) : (
        <part.Shown me={me} />
      )}
    </Page>
  )
}
