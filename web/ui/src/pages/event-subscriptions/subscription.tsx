// One event subscription: its settings, its secret, and the log of what was delivered.
import { useQuery } from '@tanstack/react-query'
import { Pause, Play, RotateCcw, Send, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { call } from '../../api/call'
import { client, gone } from '../../api/queries'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { Copied } from '../../kit/copied'
import { Dialog } from '../../kit/dialog'
import { LinkTabs } from '../../kit/link-tabs'
import { Page, Trouble, Waiting } from '../../kit/parts'
import { fail, say } from '../../kit/toasts'
import { moment } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { Deliveries } from './deliveries'
import { SubscriptionForm } from './form'
import { Delivers, KEY } from './list'
import type { Subscription } from './list'

export function NewSubscription() {
  useTitle(t('webhooks.newSubscription'))
  const [, go] = useLocation()
  const [made, setMade] = useState<Subscription | null>(null)
  return (
    <Page title={t('webhooks.newSubscription')} text={t('webhooks.subscriptions.text')}>
      {!made ? (
        <SubscriptionForm onSaved={setMade} onCancel={() => go('/event-subscriptions')} />
      ) : (
        <section className="card pane fresh" aria-label={t('webhooks.subscriptionMade')}>
          <h2>{t('webhooks.subscriptionMade')}</h2>
          <p className="soft">{t('webhooks.subscriptionMade.why')}</p>
          <Copied label={t('webhooks.secret')} text={made.secret} help={t('webhooks.key.once')} />
          <Link href={`/event-subscriptions/${made.id}`} className="button primary">
            {t('webhooks.done')}
          </Link>
        </section>
      )}
    </Page>
  )
}

export function SubscriptionPage({ id }: { id: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: [...KEY, id],
    queryFn: () => call('GET /event-subscriptions/{subscription_id}', { path: { subscription_id: id } }),
    refetchInterval: 10_000,
  })
  const title = data ? data.name || data.url : t('webhooks.subscription')
  useTitle(title)
  if (error)
    return (
      <Page title={title}>
        <Trouble error={error} again={() => void refetch()} />
        <Link href="/event-subscriptions" className="button">
          {t('webhooks.subscriptions')}
        </Link>
      </Page>
    )
  if (!data)
    return (
      <Page title={title}>
        <Waiting what={t('webhooks.subscription')} />
      </Page>
    )
  return <Known subscription={data} title={title} />
}

function Known({ subscription: one, title }: { subscription: Subscription; title: string }) {
  const [, go] = useLocation()
  const [tab] = useAsked('tab')
  const [dropping, setDropping] = useState(false)
  const [round, setRound] = useState(0)
  const mayChange = useMay('webhook:update')
  const mayDelete = useMay('webhook:delete')
  const place = `/event-subscriptions/${one.id}`
  const path = { subscription_id: one.id }
  const again = () => client.invalidateQueries({ queryKey: KEY })
  const turn = () =>
    void call('PATCH /event-subscriptions/{subscription_id}', {
      path,
      body: { is_active: !one.is_active },
      version: one.row_version,
    })
      .then(() => {
        say(one.is_active ? t('webhooks.subPaused') : t('webhooks.subResumed'), 'ok')
        return again()
      })
      .catch(fail)
  const test = () =>
    void call('POST /event-subscriptions/{subscription_id}/test', { path })
      .then(() => {
        say(t('webhooks.testSent'), 'ok')
        go(`${place}?tab=deliveries`)
        return again()
      })
      .catch(fail)
  const drop = () =>
    void call('DELETE /event-subscriptions/{subscription_id}', { path })
      .then(() => {
        say(t('webhooks.subDropped'), 'ok')
        go('/event-subscriptions')
        return gone(KEY, one.id)
      })
      .catch(fail)
  const tabs = [
    { href: place, word: t('webhooks.settings') },
    { href: `${place}?tab=deliveries`, word: t('webhooks.deliveries') },
  ]
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1 className="with-state">
            {title}
            <Delivers subscription={one} />
          </h1>
          <p className="soft">{one.url}</p>
        </div>
        <div className="row">
          {mayChange && (
            <button type="button" className="button" onClick={test}>
              <Send size={15} aria-hidden="true" />
              {t('webhooks.sendTest')}
            </button>
          )}
          {mayChange && (
            <button type="button" className="button" onClick={turn}>
              {one.is_active ? <Pause size={15} aria-hidden="true" /> : <Play size={15} aria-hidden="true" />}
              {one.is_active ? t('triggers.pause') : t('triggers.resume')}
            </button>
          )}
          {mayDelete && (
            <button type="button" className="button" onClick={() => setDropping(true)}>
              <Trash2 size={15} aria-hidden="true" />
              {t('triggers.delete')}
            </button>
          )}
        </div>
      </header>
      {one.error && (
        <div className="notice" data-tone="error" role="alert">
          {one.error}
          {one.open_until && new Date(one.open_until) > new Date() && (
            <span>{t('webhooks.triedAgain', { when: moment(one.open_until) })}</span>
          )}
        </div>
      )}
      <LinkTabs
        label={t('webhooks.partsOfSub')}
        tabs={tabs}
        at={tab === 'deliveries' ? `${place}?tab=deliveries` : place}
      />
      {tab === 'deliveries' ? (
        <Deliveries id={one.id} />
      ) : (
        <div className="beside">
          <SubscriptionForm
            key={round}
            stored={one}
            onSaved={() => setRound(round + 1)}
            onCancel={() => go('/event-subscriptions')}
          />
          <Secret subscription={one} />
        </div>
      )}
      {dropping && (
        <Dialog
          title={t('webhooks.dropSub', { title })}
          text={t('webhooks.dropSub.why')}
          onClose={() => setDropping(false)}
        >
          <footer className="dialog-foot">
            <button type="button" className="button" onClick={() => setDropping(false)}>
              {t('webhooks.cancel')}
            </button>
            <button type="button" className="button danger" onClick={drop}>
              {t('triggers.delete')}
            </button>
          </footer>
        </Dialog>
      )}
    </main>
  )
}

function Secret({ subscription: one }: { subscription: Subscription }) {
  const [secret, setSecret] = useState('')
  const may = useMay('webhook:update')
  const rotate = () =>
    void call('POST /event-subscriptions/{subscription_id}/rotate-secret', {
      path: { subscription_id: one.id },
      body: null,
    })
      .then((made) => {
        setSecret(made.secret)
        return client.invalidateQueries({ queryKey: KEY })
      })
      .catch(fail)
  return (
    <section className="card pane" aria-label={t('webhooks.secret')}>
      <h2>{t('webhooks.secret')}</h2>
      <p className="soft">{t('webhooks.secret.why')}</p>
      {secret && <Copied label={t('webhooks.newSecret')} text={secret} help={t('webhooks.key.once')} />}
      {one.previous_until && new Date(one.previous_until) > new Date() && (
        <p className="soft">{t('webhooks.bothUntil', { when: moment(one.previous_until) })}</p>
      )}
      {may && !secret && (
        <div className="row">
          <button type="button" className="button" onClick={rotate}>
            <RotateCcw size={14} aria-hidden="true" />
            {t('webhooks.rotateSecret')}
          </button>
        </div>
      )}
    </section>
  )
}
