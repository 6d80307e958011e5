// Event subscriptions: addresses outside that are told what happens here.
import { useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, CirclePause, Plus } from 'lucide-react'
import { Link } from 'wouter'
import { allOf } from '../../api/all'
import type { EventSubscriptionsSubscriptionOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { since } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { StartTabs } from '../triggers/tabs'

export type Subscription = EventSubscriptionsSubscriptionOut
export const KEY = ['event-subscriptions']

export function Delivers({ subscription: one }: { subscription: Subscription }) {
  const waits = Boolean(one.open_until && new Date(one.open_until) > new Date())
  const [tone, word, Icon] = !one.is_active
    ? (['idle', t('webhooks.sub.paused'), CirclePause] as const)
    : waits || one.failures > 0
      ? (['error', t('webhooks.sub.failing'), CircleAlert] as const)
      : (['ok', t('webhooks.sub.active'), CircleCheck] as const)
  return (
    <span className="badge" data-tone={tone}>
      <Icon size={13} aria-hidden="true" />
      {word}
    </span>
  )
}

export default function EventSubscriptions() {
  useTitle(t('webhooks.subscriptions'))
  const { data, error, refetch } = useQuery({
    queryKey: KEY,
    queryFn: () => allOf('GET /event-subscriptions'),
    refetchInterval: 10_000,
  })
  const may = useMay('webhook:create')
  const add = may && (
    <Link href="/event-subscriptions/new" className="button primary">
      <Plus size={16} aria-hidden="true" />
      {t('webhooks.newSubscription')}
    </Link>
  )
  return (
    <Page title={t('webhooks.subscriptions')} text={t('webhooks.subscriptions.text')} actions={add}>
      <StartTabs at="/event-subscriptions" />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('webhooks.subscriptions')} />
      ) : data.length === 0 ? (
        <Empty title={t('webhooks.noSubscriptions')} text={t('webhooks.noSubscriptions.why')}>
          {add}
        </Empty>
      ) : (
        <div className="card table-card" tabIndex={0} role="region" aria-label={t('webhooks.subscriptions')}>
          <table className="list stacked">
            <thead>
              <tr>
                <th scope="col">{t('webhooks.receiver')}</th>
                <th scope="col">{t('webhooks.state')}</th>
                <th scope="col">{t('webhooks.events')}</th>
                <th scope="col">{t('webhooks.lastDelivered')}</th>
              </tr>
            </thead>
            <tbody>
              {data.map((one) => (
                <tr key={one.id}>
                  <td>
                    <Link href={`/event-subscriptions/${one.id}`}>{one.name || one.url}</Link>
                    {one.name && <span className="soft list-error">{one.url}</span>}
                  </td>
                  <td>
                    <Delivers subscription={one} />
                    {one.error && (
                      <span className="soft list-error" title={one.error}>
                        {one.error}
                      </span>
                    )}
                  </td>
                  <td className="soft" data-column={t('webhooks.events')}>
                    {one.events.slice(0, 3).join(', ')}
                    {one.events.length > 3 && ` +${one.events.length - 3}`}
                  </td>
                  <td data-column={t('webhooks.lastDelivered')}>
                    {one.last_delivered_at ? (
                      <time dateTime={one.last_delivered_at}>{since(one.last_delivered_at)}</time>
                    ) : (
                      <span className="soft">{t('webhooks.never')}</span>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Page>
  )
}
