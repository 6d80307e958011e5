// Where the page of a form or a chat is.
import type { Trigger } from '../../api/triggers'
import { Copied } from '../../kit/copied'
import { t } from '../../lib/text'

export function Where({ trigger: one }: { trigger: Trigger }) {
  if (!one.url) return null
  return (
    <section className="card pane" aria-label={t('webhooks.address')}>
      <h2 className="test-head">{t('webhooks.address')}</h2>
      <Copied label={t('webhooks.url')} text={one.url} />
      {one.alias_url && <Copied label={t('webhooks.ownPath')} text={one.alias_url} />}
    </section>
  )
}
