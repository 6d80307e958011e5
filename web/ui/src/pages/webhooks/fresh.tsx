// The address of a webhook, how its callers prove who they are, and its signing key the one time that it can be seen.
import { useQuery } from '@tanstack/react-query'
import { KeyRound, RotateCcw } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { call } from '../../api/call'
import { useMay } from '../../app/me'
import { Copied } from '../../kit/copied'
import { fail } from '../../kit/toasts'
import { t } from '../../lib/text'
import { again } from '../triggers/acts'

const useOne = (id: string) =>
  useQuery({
    queryKey: ['triggers', 'webhook', id],
    queryFn: () => call('GET /webhooks/{webhook_id}', { path: { webhook_id: id } }),
  })
const whole = (url: string) => new URL(url, location.origin).href

export function AddressCard({ id }: { id: string }) {
  const { data } = useOne(id)
  const may = useMay('webhook:update')
  const [key, setKey] = useState('')
  if (!data) return null
  const rotate = () =>
    void call('POST /webhooks/{webhook_id}/rotate-key', { path: { webhook_id: id } })
      .then(({ signing_key }) => {
        setKey(signing_key)
        return again()
      })
      .catch(fail)
  return (
    <section className="card pane" aria-label={t('webhooks.address')}>
      <h2 className="test-head">
        {t('webhooks.address')}
        <span className="badge">{data.method}</span>
      </h2>
      <Copied label={t('webhooks.url')} text={whole(data.url)} />
      {data.alias_url && <Copied label={t('webhooks.ownPath')} text={whole(data.alias_url)} />}
      <p className="row webhook-auth">
        <KeyRound size={14} aria-hidden="true" />
        <span>{t(`webhooks.auth.${data.authentication}`)}</span>
      </p>
      {key && <Copied label={t('webhooks.key')} text={key} help={t('webhooks.key.once')} />}
      {!key && data.authentication === 'hmac' && may && (
        <div className="row">
          <button type="button" className="button" onClick={rotate}>
            <RotateCcw size={14} aria-hidden="true" />
            {t('webhooks.rotate')}
          </button>
          <span className="soft">{t('webhooks.rotate.why')}</span>
        </div>
      )}
    </section>
  )
}

/** What is shown once a webhook is made. */
export function Fresh({ id, signingKey }: { id: string; signingKey: string }) {
  const { data } = useOne(id)
  return (
    <section className="card pane fresh" aria-label={t('webhooks.made')}>
      <h2>{t('webhooks.made')}</h2>
      <p className="soft">{t('webhooks.made.why')}</p>
      {data && <Copied label={t('webhooks.url')} text={whole(data.url)} />}
      <Copied label={t('webhooks.key')} text={signingKey} help={t('webhooks.key.once')} />
      <Link href={`/webhooks/${id}`} className="button primary">
        {t('webhooks.done')}
      </Link>
    </section>
  )
}
