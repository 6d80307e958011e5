// Oneself: name and language, sign-ins and second factor, keys, organizations.
import { Page, Trouble, Waiting } from '../../kit/parts'
import { LinkTabs } from '../../kit/link-tabs'
import { useTitle } from '../../app/title'
import { useMine } from '../../api/mine'
import { t } from '../../lib/text'
import '../../styles/admin.css'
import { Keys } from '../keys'
import { Organizations } from './organizations'
import { Security } from './security'
import { You } from './you'

export default function Profile({ tab = '' }: { tab?: string }) {
  useTitle(t('profile.title'))
  const { data: me, error, refetch } = useMine()
  const tabs = [
    { href: '/profile', word: t('profile.you') },
    { href: '/profile/security', word: t('profile.security') },
    { href: '/profile/keys', word: t('profile.keys') },
    { href: '/profile/organizations', word: t('profile.organizations') },
  ]
  return (
    <Page title={t('profile.title')} text={me?.user.email}>
      <LinkTabs label={t('profile.title')} tabs={tabs} />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !me ? (
        <Waiting what={t('profile.title')} />
      ) : tab === 'security' ? (
        <Security me={me} />
      ) : tab === 'keys' ? (
        <Keys owner={me.user.id} own rights={me.permissions} />
      ) : tab === 'organizations' ? (
        <Organizations />
      ) : (
        <You key={me.user.row_version} me={me} />
      )}
    </Page>
  )
}
