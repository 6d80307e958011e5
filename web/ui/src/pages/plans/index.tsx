// Plans by edition: price, limits, features; platform admins change them and make their own.
import { Plus } from 'lucide-react'
import { useState } from 'react'
import type { Me, PlanOut } from '../../api/types.gen'
import { Trouble, Waiting } from '../../kit/parts'
import { count } from '../../lib/format'
import { t } from '../../lib/text'
import { decided, inOrder, useEditions, useFeatures, usePlans } from '../editions/read'
import { EditPlan } from './edit'

export const LIMITS = [
  'flows',
  'connections',
  'executions',
  'users',
  'workspaces',
  'concurrent_executions',
  'storage_bytes',
  'api_requests',
]

export function Plans({ me }: { me: Me }) {
  const [open, setOpen] = useState<{ plan: PlanOut | null } | null>(null)
  const plans = usePlans()
  const editions = useEditions()
  const features = useFeatures()
  const wrong = plans.error ?? editions.error ?? features.error
  if (wrong)
    return (
      <Trouble
        error={wrong}
        again={() => {
          void plans.refetch()
          void editions.refetch()
        }}
      />
    )
  if (!plans.data || !editions.data || !features.data) return <Waiting what={t('editions.tab.plans')} />
  const may = me.permissions.includes('subscription:manage')
  const all = features.data
  return (
    <>
      <div className="row list-head">
        <p className="soft grow">{t('editions.plans.text')}</p>
        {may && (
          <button type="button" className="button primary" onClick={() => setOpen({ plan: null })}>
            <Plus size={16} aria-hidden="true" />
            {t('editions.newPlan')}
          </button>
        )}
      </div>
      {inOrder(editions.data).map((edition) => (
        <section key={edition.id} className="plan-row" aria-label={edition.title}>
          <h2>
            {edition.title}
            {!edition.enabled && (
              <span className="badge" data-tone="warn">
                {t('editions.isOff')}
              </span>
            )}
            {edition.current && (
              <span className="badge" data-tone="ok">
                {t('editions.current')}
              </span>
            )}
          </h2>
          <div className="cards">
            {plans.data
              .filter((plan) => plan.edition === edition.id)
              .map((plan) => {
                const held = edition.plans.find(({ id }) => id === plan.key)
                const has = all.filter(({ key }) => decided(edition, held, key).on)
                return (
                  <article key={plan.key} className="card plan">
                    <header>
                      <h3>{plan.title}</h3>
                      {plan.origin !== 'package' && (
                        <span className="badge">{t(`editions.origin.${plan.origin}`)}</span>
                      )}
                    </header>
                    {plan.price && <p className="plan-price">{plan.price}</p>}
                    <dl>
                      {LIMITS.filter((key) => plan.limits[key] !== undefined).map((key) => (
                        <div key={key}>
                          <dt>{t(`editions.limit.${key}`)}</dt>
                          <dd>{(plan.limits[key] ?? -1) < 0 ? t('editions.noLimit') : count(plan.limits[key] ?? 0)}</dd>
                        </div>
                      ))}
                      {Object.keys(plan.limits).length === 0 && (
                        <div>
                          <dt>{t('editions.limits')}</dt>
                          <dd>{t('editions.noLimit')}</dd>
                        </div>
                      )}
                    </dl>
                    <p className="soft plan-features" title={has.map(({ name }) => name).join(', ')}>
                      {has.length === all.length
                        ? t('editions.everyFeature')
                        : has.length === 0
                          ? t('editions.noFeature')
                          : has.map(({ name }) => name).join(', ')}
                    </p>
                    {may && (
                      <button
                        type="button"
                        className="button"
                        aria-label={t('editions.changeOf', { name: plan.title })}
                        onClick={() => setOpen({ plan })}
                      >
                        {t('members.change')}
                      </button>
                    )}
                  </article>
                )
              })}
          </div>
        </section>
      ))}
      {open && <EditPlan plan={open.plan} editions={editions.data} onClose={() => setOpen(null)} />}
    </>
  )
}
