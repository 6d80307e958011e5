// Another plan for an organization: what it would gain and lose, before it is made.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import { useAct } from '../../kit/act'
import { Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { Segments, SelectField } from '../../kit/fields'
import { t } from '../../lib/text'
import { Effect } from './effect'
import { usePlans } from './read'

export function ChangePlan({
  organization,
  name,
  present,
  onClose,
}: {
  organization: string
  name: string
  present?: string
  onClose: () => void
}) {
  const [plan, setPlan] = useState('')
  const [effective, setEffective] = useState<'now' | 'period_end'>('now')
  const plans = usePlans()
  const edition = plans.data?.find(({ key }) => key === plan)?.edition ?? ''
  const wish = { organization_id: organization, plan, edition }
  const moves = useQuery({
    queryKey: ['effect', wish],
    queryFn: () => call('POST /editions/preview', { body: wish }),
    enabled: Boolean(plan),
    staleTime: 0,
  })
  const { busy, errors, act } = useAct(['plan'])
  const save = () =>
    act(
      async () => {
        await call('POST /subscriptions/upgrade', { body: { ...wish, effective } })
        stale('editions', 'subscriptions', 'usage', 'me')
        onClose()
      },
      t('editions.planChanged', { name }),
    )
  const choices = [
    { value: '', word: t('grants.choose') },
    ...(plans.data ?? [])
      .filter(({ key }) => key !== present)
      .map((one) => ({
        value: one.key,
        word: one.price ? `${one.title} – ${one.price}` : one.title,
        group: one.edition,
      })),
  ]
  return (
    <Dialog title={t('editions.planOf', { name })} text={t('editions.plan.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <SelectField label={t('editions.plan')} value={plan} onChange={setPlan} choices={choices} error={errors.plan} />
        {plan && <Effect moves={moves.data} error={moves.error} />}
        <Segments
          label={t('editions.from')}
          value={effective}
          onChange={(value) => setEffective(value === 'now' ? 'now' : 'period_end')}
          choices={[
            { value: 'now', word: t('editions.now') },
            { value: 'period_end', word: t('editions.later') },
          ]}
        />
        <Refused errors={errors} />
        <Foot word={t('editions.changePlan')} busy={busy} ready={Boolean(plan)} onClose={onClose} />
      </form>
    </Dialog>
  )
}
