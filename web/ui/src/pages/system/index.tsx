// The installation: registration and keys, letters, databases of organizations, everybody with an account.
import { useMay } from '../../app/me'
import { useMine } from '../../api/mine'
import { useTitle } from '../../app/title'
import { Page, Waiting } from '../../kit/parts'
import { NotYours } from '../../kit/section'
import { LinkTabs } from '../../kit/link-tabs'
import { t } from '../../lib/text'
import '../../styles/admin.css'
import '../../styles/platform.css'
import { General } from './general'
import { Homes } from './homes'
import { Letters } from './letters'
import { Users } from './users'

const PARTS = [
  { tab: '', word: 'general', Shown: General },
  { tab: 'users', word: 'users', Shown: Users },
  { tab: 'letters', word: 'letters', Shown: Letters },
  { tab: 'homes', word: 'homes', Shown: Homes },
]

export default function System({ tab = '' }: { tab?: string }) {
  useTitle(t('system.title'))
  const { data: me } = useMine()
  const may = useMay('system:manage')
  const part = PARTS.find((one) => one.tab === tab) ?? PARTS[0]
  return (
    <Page title={t('system.title')} text={t('system.text')}>
      <LinkTabs
        label={t('system.title')}
        tabs={PARTS.map((one) => ({
          href: one.tab ? `/system/${one.tab}` : '/system',
          word: t(`system.tab.${one.word}`),
        }))}
      />
      {!me ? (
        <Waiting what={t('system.title')} />
      ) : !may || !part ? (
        <NotYours permission="system:manage" />
      ) : (
        <part.Shown />
      )}
    </Page>
  )
}
