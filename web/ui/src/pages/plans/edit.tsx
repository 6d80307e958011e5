// A plan: its limits and what it adds to, or takes from, its edition; the effect is shown before it is saved.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { PlanOut } from '../../api/types.gen'
import { useAct } from '../../kit/act'
import { Foot, Refused } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { SelectField, TextField } from '../../kit/fields'
import { t } from '../../lib/text'
import { Effect } from '../editions/effect'
import { useFeatures } from '../editions/read'
import type { Edition } from '../editions/read'
import { LIMITS } from '.'

const asText = (limits: Record<string, number>) =>
  Object.fromEntries(LIMITS.map((key) => [key, (limits[key] ?? -1) < 0 ? '' : String(limits[key])]))

export function EditPlan({
  plan,
  editions,
  onClose,
}: {
  plan: PlanOut | null
  editions: Edition[]
  onClose: () => void
}) {
  const [title, setTitle] = useState(plan?.title ?? '')
  const [key, setKey] = useState('')
  const [edition, setEdition] = useState(plan?.edition ?? editions[0]?.id ?? '')
  const [features, setFeatures] = useState<Record<string, boolean>>(plan?.features ?? {})
  const [limits, setLimits] = useState(asText(plan?.limits ?? {}))
  const known = useFeatures()
  const { busy, errors, act } = useAct(['key', 'title', 'edition'])
  const body = {
    title,
    features,
    limits: Object.fromEntries(
      Object.entries(limits)
        .filter(([, value]) => value !== '')
        .map(([name, value]) => [name, Number(value)]),
    ),
  }
  const wish = { plan: plan?.key ?? '', features: body.features, limits: body.limits }
  const moves = useQuery({
    queryKey: ['effect', wish],
    queryFn: () => call('POST /editions/preview', { body: wish }),
    enabled: Boolean(plan),
    staleTime: 0,
    placeholderData: (before) => before,
  })
  const after = () => {
    stale('plans', 'editions', 'me', 'usage')
    onClose()
  }
  const save = () =>
    act(async () => {
      if (plan) await call('PATCH /plans/{key}', { path: { key: plan.key }, body, version: plan.row_version })
      else await call('POST /plans', { body: { ...body, key, edition } })
      after()
    }, t('profile.saved'))
  const reset = () =>
    plan
    && act(async () => {
      await call('DELETE /plans/{key}', { path: { key: plan.key } })
      after()
    })
  const turn = (name: string, said: string) => {
    const { [name]: _gone, ...rest } = features
    setFeatures(said === '' ? rest : { ...rest, [name]: said === 'on' })
  }
  const three = [
    { value: '', word: t('editions.asEdition') },
    { value: 'on', word: t('editions.on') },
    { value: 'off', word: t('editions.off') },
  ]
  const own = plan?.origin === 'own'
  const said = (name: string) => (features[name] === undefined ? '' : features[name] ? 'on' : 'off')
  return (
    <Dialog title={plan ? plan.title : t('editions.newPlan')} size="large" onClose={onClose}>
      <form
        className="plan-form"
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <div className="two">
          <TextField
            label={t('members.name')}
            value={title}
            onChange={setTitle}
            required
            maxLength={100}
            autoComplete="off"
            error={errors.title}
          />
          {!plan && (
            <TextField
              label={t('editions.key')}
              value={key}
              onChange={setKey}
              required
              pattern="[a-z][a-z0-9_]*"
              autoComplete="off"
              error={errors.key}
              help={t('editions.key.text')}
            />
          )}
          {!plan && (
            <SelectField
              label={t('editions.edition')}
              value={edition}
              onChange={setEdition}
              choices={editions.map((one) => ({ value: one.id, word: one.title }))}
              error={errors.edition}
            />
          )}
        </div>
        <fieldset className="group">
          <legend>{t('editions.limits')}</legend>
          <p className="help">{t('editions.value.text')}</p>
          <div className="four">
            {LIMITS.map((name) => (
              <TextField
                key={name}
                label={t(`editions.limit.${name}`)}
                type="number"
                min={0}
                value={limits[name] ?? ''}
                onChange={(value) => setLimits({ ...limits, [name]: value })}
              />
            ))}
          </div>
        </fieldset>
        <fieldset className="group">
          <legend>{t('editions.features')}</legend>
          <div className="four">
            <SelectField
              label={t('editions.everyFeature')}
              value={said('*')}
              onChange={(value) => turn('*', value)}
              choices={three}
            />
            {known.data?.map((one) => (
              <SelectField
                key={one.key}
                label={one.name}
                value={said(one.key)}
                onChange={(value) => turn(one.key, value)}
                choices={three}
              />
            ))}
          </div>
        </fieldset>
        {plan && <Effect moves={moves.data} error={moves.error} />}
        <Refused errors={errors} />
        <Foot
          word={t('admin.save')}
          busy={busy}
          ready={Boolean(title.trim()) && (Boolean(plan) || Boolean(key))}
          onClose={onClose}
        >
          {plan && plan.origin !== 'package' && (
            <>
              <button type="button" className="button" disabled={busy} onClick={() => void reset()}>
                {t(own ? 'members.drop' : 'editions.asPackage')}
              </button>
              <span className="grow" />
            </>
          )}
        </Foot>
      </form>
    </Dialog>
  )
}
