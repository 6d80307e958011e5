// What the organization has: its plan, how much of each limit is used, and its features.
import { useQueries } from '@tanstack/react-query'
import { CircleCheck, Lock } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import type { Me } from '../../api/types.gen'
import { Trouble, Waiting } from '../../kit/parts'
import { Meter, Section } from '../../kit/section'
import { count, until } from '../../lib/format'
import { known } from '../../lib/known'
import { t } from '../../lib/text'
import { ChangePlan } from './change-plan'
import { decided, having, useEditions, useFeatures } from './read'

const LIMITS = ['flows', 'connections', 'executions', 'users', 'workspaces', 'storage_bytes', 'api_requests']
const size = new Intl.NumberFormat(undefined, { style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 })
const asSize = (bytes: number) => size.format(bytes / 1_000_000)

export function Ours({ me }: { me: Me }) {
  const [changing, setChanging] = useState(false)
  const editions = useEditions()
  const features = useFeatures()
  const wrong = editions.error ?? features.error
  if (wrong)
    return (
      <Trouble
        error={wrong}
        again={() => {
          void editions.refetch()
          void features.refetch()
        }}
      />
    )
  if (!editions.data || !features.data) return <Waiting what={t('editions.title')} />
  const mine = editions.data.find(({ current }) => current)
  const all = editions.data
  const change = me.permissions.includes('subscription:manage') && (
    <button type="button" className="button primary" onClick={() => setChanging(true)}>
      {t('editions.changePlan')}
    </button>
  )
  return (
    <div className="sections">
      <Section
        title={mine?.title ?? '–'}
        text={t('editions.yours', { organization: me.organization.name })}
        actions={change}
      >
        <Usages />
      </Section>
      <Section title={t('editions.features')} text={t('editions.features.text')}>
        <ul className="features">
          {features.data.map(({ key, name }) => {
            const on = me.features[key] ?? false
            const others = having(all, key)
            const here = mine && mine.plans.some((plan) => decided(mine, plan, key).on)
            return (
              <li key={key} data-on={on || undefined}>
                {on ? (
                  <CircleCheck size={17} role="img" aria-label={t('editions.on')} />
                ) : (
                  <Lock size={16} role="img" aria-label={t('editions.locked')} />
                )}
                <span>
                  <strong>{name}</strong>
                  <span className="soft">
                    {on
                      ? known(t(`editions.about.${key}`), key)
                      : others.length
                        ? t(here ? 'editions.inPlan' : 'editions.inEdition', { editions: others.join(', ') })
                        : t('editions.nowhere')}
                  </span>
                </span>
              </li>
            )
          })}
        </ul>
      </Section>
      {changing && (
        <ChangePlan organization={me.organization.id} name={me.organization.name} onClose={() => setChanging(false)} />
      )}
    </div>
  )
}

function Usages() {
  const found = useQueries({
    queries: LIMITS.map((kind) => ({
      queryKey: ['usage', kind],
      queryFn: () => call('GET /features/usage/{kind}', { path: { kind } }),
    })),
  })
  return (
    <div className="meters">
      {found.map(({ data }, at) => {
        const kind = LIMITS[at] ?? ''
        if (!data) return null
        return (
          <div key={kind}>
            <Meter
              label={t(`editions.limit.${kind}`)}
              used={data.used}
              limit={data.limit}
              show={kind === 'storage_bytes' ? asSize : count}
            />
            {data.resets_at && data.limit >= 0 && (
              <p className="help">{t('editions.resets', { when: until(data.resets_at) })}</p>
            )}
          </div>
        )
      })}
    </div>
  )
}
