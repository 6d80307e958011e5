// The log of deliveries: what was sent, how each attempt went, and sending it again.
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, Hourglass, RotateCcw } from 'lucide-react'
import { useState } from 'react'
import { call, listed } from '../../api/call'
import { client } from '../../api/queries'
import type { DeliveryOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { useAsked } from '../../kit/address'
import { Empty, Pages, Trouble, Waiting } from '../../kit/parts'
import { fail, say } from '../../kit/toasts'
import { moment, since, until } from '../../lib/format'
import { t } from '../../lib/text'
import { KEY } from './list'

const STATES = ['', 'pending', 'delivered', 'failed'] as const
const LOOK = { pending: ['wait', Hourglass], delivered: ['ok', CircleCheck], failed: ['error', CircleX] } as const

export function Deliveries({ id }: { id: string }) {
  const [state, setState] = useAsked('status')
  const [page, setPage] = useState(1)
  const may = useMay('webhook:update')
  const status = STATES.find((one) => one && one === state) as 'pending' | 'delivered' | 'failed' | undefined
  const { data, error, refetch } = useQuery({
    queryKey: [...KEY, id, 'deliveries', status, page],
    refetchInterval: 4_000,
    queryFn: () =>
      listed('GET /event-subscriptions/{subscription_id}/deliveries', {
        path: { subscription_id: id },
        query: { page, per_page: 30, status: status ?? null },
      }),
  })
  const again = (work: Promise<unknown>) =>
    void work
      .then(() => {
        say(t('webhooks.sentAgain'), 'ok')
        return client.invalidateQueries({ queryKey: KEY })
      })
      .catch(fail)
  const failed = data?.data.some((one) => one.status === 'failed')
  return (
    <>
      <div className="filters">
        <div className="segmented" role="radiogroup" aria-label={t('webhooks.state')}>
          {STATES.map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="status"
                checked={state === one}
                onChange={() => {
                  setState(one)
                  setPage(1)
                }}
              />
              <span>{one ? t(`webhooks.delivery.${one}`) : t('webhooks.all')}</span>
            </label>
          ))}
        </div>
        <span className="grow" />
        {may && failed && (
          <button
            type="button"
            className="button"
            onClick={() =>
              again(call('POST /event-subscriptions/{subscription_id}/redeliver', { path: { subscription_id: id } }))
            }
          >
            <RotateCcw size={14} aria-hidden="true" />
            {t('webhooks.redeliverAll')}
          </button>
        )}
      </div>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('webhooks.deliveries')} />
      ) : data.data.length === 0 ? (
        <Empty title={t('webhooks.noDeliveries')} text={t('webhooks.noDeliveries.why')} />
      ) : (
        <ul className="card deliveries">
          {data.data.map((one) => (
            <One
              key={one.id}
              delivery={one}
              onAgain={
                may && one.status !== 'pending'
                  ? () =>
                      again(
                        call('POST /event-subscriptions/{subscription_id}/deliveries/{delivery_id}/redeliver', {
                          path: { subscription_id: id, delivery_id: one.id },
                        }),
                      )
                  : undefined
              }
            />
          ))}
        </ul>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={setPage} />
    </>
  )
}

function One({ delivery: one, onAgain }: { delivery: DeliveryOut; onAgain: (() => void) | undefined }) {
  const [tone, Icon] = LOOK[one.status as keyof typeof LOOK] ?? LOOK.pending
  return (
    <li>
      <details>
        <summary>
          <span className="badge" data-tone={tone}>
            <Icon size={13} aria-hidden="true" />
            {t(`webhooks.delivery.${one.status}`)}
          </span>
          <b>{one.event}</b>
          <span className="soft">
            {one.status_code ?? ''}{' '}
            {one.status === 'pending' && new Date(one.next_at) > new Date()
              ? t('webhooks.nextTry', { when: until(one.next_at) })
              : t('webhooks.attempts', { n: one.attempts })}
          </span>
          <time className="soft" dateTime={one.created_at} title={moment(one.created_at)}>
            {since(one.created_at)}
          </time>
        </summary>
        <div className="delivery-parts">
          {one.error && <p className="field-error">{one.error}</p>}
          {onAgain && (
            <button type="button" className="button" onClick={onAgain}>
              <RotateCcw size={14} aria-hidden="true" />
              {t('webhooks.redeliver')}
            </button>
          )}
          <h3>{t('webhooks.sent')}</h3>
          <pre className="prose-code">{JSON.stringify(one.payload, null, 2)}</pre>
          {one.log.length > 0 && (
            <>
              <h3>{t('webhooks.tries')}</h3>
              <pre className="prose-code">{one.log.map((line) => JSON.stringify(line)).join('\n')}</pre>
            </>
          )}
        </div>
      </details>
    </li>
  )
}
