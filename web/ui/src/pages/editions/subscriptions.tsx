// What every organization has, and what it has beside its plan; for platform admins.
import { useQuery } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { OverrideOut, SubscriptionsSubscriptionOut as Subscription } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { SelectField, TextField } from '../../kit/fields'
import { Empty, Pages, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { Face } from '../../kit/section'
import { fail, say } from '../../kit/toasts'
import { count, until } from '../../lib/format'
import { listed } from '../../api/call'
import { t } from '../../lib/text'
import { ChangePlan } from './change-plan'
import { useEditions, useFeatures } from './read'

type Open = { what: 'plan' | 'override'; one: Subscription } | null

export function Subscriptions() {
  const [q, setQ] = useState('')
  const [page, setPage] = useState(1)
  const [open, setOpen] = useState<Open>(null)
  const { data, error, refetch } = useQuery({
    queryKey: ['subscriptions', q, page],
    queryFn: () => listed('GET /subscriptions', { query: { q, page, per_page: 25 } }),
  })
  return (
    <>
      <SearchBox
        label={t('editions.search')}
        value={q}
        onChange={(text) => {
          setQ(text)
          setPage(1)
        }}
      />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('editions.tab.organizations')} />
      ) : data.data.length === 0 ? (
        <Empty title={t('editions.noOrganization')} text={t('members.none.text')} />
      ) : (
        <ul className="sections">
          {data.data.map((one) => (
            <One key={one.id} one={one} onOpen={(what) => setOpen({ what, one })} />
          ))}
        </ul>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={setPage} />
      {open?.what === 'plan' && (
        <ChangePlan
          organization={open.one.organization_id}
          name={open.one.organization}
          present={open.one.plan_id}
          onClose={() => setOpen(null)}
        />
      )}
      {open?.what === 'override' && <Override one={open.one} onClose={() => setOpen(null)} />}
    </>
  )
}

function One({ one, onOpen }: { one: Subscription; onOpen: (what: 'plan' | 'override') => void }) {
  const features = useFeatures()
  const edition = useEditions().data?.find(({ id }) => id === one.edition)
  const plan = edition?.plans.find(({ id }) => id === one.plan_id)
  const has = [edition?.title ?? one.edition, plan?.title ?? one.plan_id]
    .filter((title, at, all) => all.indexOf(title) === at)
    .join(' · ')
  const word = (each: OverrideOut) =>
    each.enabled === null
      ? `${t(`editions.limit.${each.key}`)}: ${each.value === -1 ? t('editions.noLimit') : count(each.value ?? 0)}`
      : `${features.data?.find(({ key }) => key === each.key)?.name ?? each.key}: ${t(each.enabled ? 'editions.on' : 'editions.off')}`
  const drop = (each: OverrideOut) =>
    void call('DELETE /subscriptions/{subscriber_id}/overrides/{feature}', {
      path: { subscriber_id: one.id, feature: each.key },
    })
      .then(async () => {
        await stale('subscriptions', 'me', 'usage')
        say(t('editions.overrideGone'), 'ok')
      })
      .catch(fail)
  return (
    <li className="card section organization">
      <Face name={one.organization || '?'} />
      <span className="line-text">
        <strong>{one.organization}</strong>
        <span className="soft">
          {has}
          {!one.subscribed && ` · ${t('editions.byDefault')}`}
          {one.next_plan
            && one.next_at
            && ` · ${t('editions.nextPlan', { plan: one.next_plan, when: until(one.next_at) })}`}
        </span>
      </span>
      {one.status !== 'active' && (
        <span className="badge" data-tone={one.status === 'trialing' ? 'wait' : 'warn'}>
          {t(`editions.status.${one.status}`)}
        </span>
      )}
      <button
        type="button"
        className="button"
        aria-label={t('editions.overrideFor', { name: one.organization })}
        onClick={() => onOpen('override')}
      >
        <Plus size={15} aria-hidden="true" />
        {t('editions.override')}
      </button>
      <button
        type="button"
        className="button"
        aria-label={t('editions.planOf', { name: one.organization })}
        onClick={() => onOpen('plan')}
      >
        {t('editions.changePlan')}
      </button>
      {one.overrides.length > 0 && (
        <ul className="chip-list">
          {one.overrides.map((each) => (
            <li key={each.key} title={each.reason}>
              <span>
                {word(each)}
                {each.expires_at && (
                  <span className="soft"> {t('keys.expires', { when: until(each.expires_at) })}</span>
                )}
              </span>
              <button
                type="button"
                className="icon-button"
                aria-label={t('editions.dropOverride', { what: word(each) })}
                onClick={() => drop(each)}
              >
                <X size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </li>
  )
}

const LIMITS = [
  'flows',
  'connections',
  'executions',
  'users',
  'workspaces',
  'storage_bytes',
  'concurrent_executions',
  'api_requests',
]

function Override({ one, onClose }: { one: Subscription; onClose: () => void }) {
  const [what, setWhat] = useState('')
  const [enabled, setEnabled] = useState('on')
  const [value, setValue] = useState('')
  const [reason, setReason] = useState('')
  const [until_, setUntil] = useState('')
  const features = useFeatures()
  const isLimit = LIMITS.includes(what)
  const { busy, errors, act } = useAct(['enabled', 'value', 'reason', 'expires_at'])
  const save = () =>
    act(
      async () => {
        const said = isLimit ? { value: value === '' ? -1 : Number(value) } : { enabled: enabled === 'on' }
        await call('PUT /subscriptions/{subscriber_id}/overrides/{feature}', {
          path: { subscriber_id: one.id, feature: what },
          body: { ...said, reason, expires_at: until_ ? new Date(`${until_}T23:59:59`).toISOString() : null },
        })
        stale('subscriptions', 'me', 'usage', 'features')
        onClose()
      },
      t('editions.overridden', { name: one.organization }),
    )
  const choices = [
    { value: '', word: t('grants.choose') },
    ...(features.data ?? []).map(({ key, name }) => ({ value: key, word: name, group: t('editions.features') })),
    ...LIMITS.map((key) => ({ value: key, word: t(`editions.limit.${key}`), group: t('editions.limits') })),
  ]
  return (
    <Dialog
      title={t('editions.overrideFor', { name: one.organization })}
      text={t('editions.override.text')}
      onClose={onClose}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <div className="two">
          <SelectField label={t('editions.what')} value={what} onChange={setWhat} choices={choices} required />
          {isLimit ? (
            <TextField
              label={t('editions.value')}
              type="number"
              min={0}
              value={value}
              onChange={setValue}
              help={t('editions.value.text')}
              error={errors.value}
            />
          ) : (
            <SelectField
              label={t('editions.is')}
              value={enabled}
              onChange={setEnabled}
              choices={[
                { value: 'on', word: t('editions.on') },
                { value: 'off', word: t('editions.off') },
              ]}
              error={errors.enabled}
            />
          )}
          <TextField
            label={t('editions.reason')}
            value={reason}
            onChange={setReason}
            maxLength={500}
            autoComplete="off"
            error={errors.reason}
          />
          <TextField
            label={t('grants.until')}
            type="date"
            value={until_}
            onChange={setUntil}
            error={errors.expires_at}
          />
        </div>
        <Refused errors={errors} />
        <Foot word={t('admin.save')} busy={busy} ready={Boolean(what)} onClose={onClose} />
      </form>
    </Dialog>
  )
}
