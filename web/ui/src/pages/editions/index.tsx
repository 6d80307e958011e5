// Editions and plans: what the organization has, and for platform admins what everybody has.
import { useMine, useSwitches } from '../../api/mine'
import { useTitle } from '../../app/title'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { NotYours } from '../../kit/section'
import { LinkTabs } from '../../kit/link-tabs'
import { t } from '../../lib/text'
import '../../styles/admin.css'
import '../../styles/platform.css'
import { Plans } from '../plans'
import { Matrix } from './matrix'
import { Ours } from './ours'
import { Subscriptions } from './subscriptions'

const PARTS = [
  { tab: '', word: 'ours', permission: '', Shown: Ours },
  { tab: 'features', word: 'matrix', permission: 'edition:manage', Shown: Matrix },
  { tab: 'plans', word: 'plans', permission: '', Shown: Plans },
  { tab: 'organizations', word: 'organizations', permission: 'subscription:manage', Shown: Subscriptions },
]

export default function Editions({ tab = '' }: { tab?: string }) {
  useTitle(t('editions.title'))
  useSwitches(['editions', 'features', 'plans', 'usage', 'subscriptions'])
  const { data: me, error, refetch } = useMine()
  const part = PARTS.find((one) => one.tab === tab)
  const tabs = PARTS.filter(({ permission }) => !permission || me?.permissions.includes(permission)).map((one) => ({
    href: one.tab ? `/editions/${one.tab}` : '/editions',
    word: t(`editions.tab.${one.word}`),
  }))
  return (
    <Page title={t('editions.title')} text={t('editions.text')}>
      <LinkTabs label={t('editions.title')} tabs={tabs} />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !me ? (
        <Waiting what={t('editions.title')} />
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
