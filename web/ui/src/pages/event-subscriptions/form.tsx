// Where events go, and which.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/call'
import { ApiError } from '../../api/client'
import { client } from '../../api/queries'
import { useMay } from '../../app/me'
import { useBase } from '../../kit/base'
import { LabelledField } from '../../kit/field'
import { Trouble, Waiting } from '../../kit/parts'
import { fail, say } from '../../kit/toasts'
import { t } from '../../lib/text'
import { KEY } from './list'
import type { Subscription } from './list'

type Props = { stored?: Subscription; onSaved: (made: Subscription) => void; onCancel: () => void }

export function SubscriptionForm({ stored, onSaved, onCancel }: Props) {
  const known = useQuery({
    queryKey: [...KEY, 'events'],
    queryFn: () => call('GET /event-subscriptions/events'),
    staleTime: Infinity,
  })
  const [name, setName] = useState(stored?.name ?? '')
  const [url, setUrl] = useState(stored?.url ?? '')
  const [events, setEvents] = useState<string[]>(stored?.events ?? ['execution.failed'])
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const version = useBase(stored, (one) => [one.name, one.url, one.events])
  const may = useMay(stored ? 'webhook:update' : 'webhook:create')
  if (known.error) return <Trouble error={known.error} again={() => void known.refetch()} />
  if (!known.data) return <Waiting what={t('webhooks.events')} />
  const every = events.includes('*')
  const groups = known.data.filter((one) => one.endsWith('.*'))
  const of = (pattern: string) =>
    (known.data ?? []).filter((one) => one.startsWith(pattern.slice(0, -1)) && one !== pattern)
  const turn = (one: string, drops: string[] = []) =>
    setEvents((now) =>
      now.includes(one)
        ? now.filter((event) => event !== one)
        : [...now.filter((event) => !drops.includes(event)), one],
    )
  const save = async () => {
    if (!events.length) return setErrors({ events: t('webhooks.noEvents') })
    setBusy(true)
    setErrors({})
    try {
      const made = stored
        ? await call('PATCH /event-subscriptions/{subscription_id}', {
            path: { subscription_id: stored.id },
            body: { name, url, events },
            version,
          })
        : await call('POST /event-subscriptions', { body: { name, url, events } })
      await client.invalidateQueries({ queryKey: KEY })
      say(t('webhooks.subscriptionSaved'), 'ok')
      onSaved(made)
    } catch (error) {
      if (error instanceof ApiError) setErrors(error.fields)
      else fail(error)
    } finally {
      setBusy(false)
    }
  }
  const eventError = Object.entries(errors).find(([path]) => path.startsWith('events'))?.[1]
  const general = Object.entries(errors)
    .filter(([path]) => path !== 'url' && path !== 'name' && !path.startsWith('events'))
    .map(([, said]) => said)
    .join(' ')
  return (
    <form
      className="card pane connection-form"
      aria-label={t('webhooks.settings')}
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      {general && (
        <div className="notice" data-tone="error" role="alert">
          {general}
        </div>
      )}
      <fieldset className="bare" disabled={!may}>
        <LabelledField
          label={t('webhooks.receiverUrl')}
          required
          error={errors.url}
          help={t('webhooks.receiverUrl.help')}
        >
          {(marks) => (
            <input
              {...marks}
              type="url"
              required
              placeholder="https://"
              value={url}
              onChange={({ target }) => setUrl(target.value)}
            />
          )}
        </LabelledField>
        <LabelledField label={t('webhooks.name')} error={errors.name}>
          {(marks) => (
            <input {...marks} maxLength={255} value={name} onChange={({ target }) => setName(target.value)} />
          )}
        </LabelledField>
        <div className="field" role="group" aria-labelledby="events-label">
          <span className="label" id="events-label">
            {t('webhooks.events')}
          </span>
          {eventError && (
            <p className="field-error" role="alert">
              {eventError}
            </p>
          )}
          <label className="check">
            <input type="checkbox" checked={every} onChange={() => setEvents(every ? [] : ['*'])} />
            {t('webhooks.everything')}
          </label>
          {!every
            && groups.map((pattern) => {
              const whole = events.includes(pattern)
              return (
                <fieldset key={pattern} className="group event-group">
                  <legend>
                    <label className="check">
                      <input type="checkbox" checked={whole} onChange={() => turn(pattern, of(pattern))} />
                      {t(`webhooks.group.${pattern.slice(0, -2)}`)} <code>{pattern}</code>
                    </label>
                  </legend>
                  {whole ? (
                    <p className="soft">
                      {of(pattern)
                        .map((one) => one.slice(one.indexOf('.') + 1))
                        .join(', ')}
                    </p>
                  ) : (
                    <div className="event-names">
                      {of(pattern).map((one) => (
                        <label key={one} className="check">
                          <input type="checkbox" checked={events.includes(one)} onChange={() => turn(one)} />
                          <code>{one.slice(one.indexOf('.') + 1)}</code>
                        </label>
                      ))}
                    </div>
                  )}
                </fieldset>
              )
            })}
        </div>
      </fieldset>
      <footer className="form-foot">
        <span className="grow" />
        <button type="button" className="button" onClick={onCancel}>
          {t('webhooks.cancel')}
        </button>
        {may && (
          <button className="button primary" disabled={busy}>
            {t('webhooks.save')}
          </button>
        )}
      </footer>
    </form>
  )
}
