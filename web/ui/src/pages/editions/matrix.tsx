// Features by edition, with a switch each; the effect is shown before a switch is saved.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import { Ask } from '../../kit/ask'
import { Trouble, Waiting } from '../../kit/parts'
import { Toggle } from '../../kit/section'
import { t } from '../../lib/text'
import { Effect } from './effect'
import { decided, inOrder, says, useEditions, useFeatures, usePlans } from './read'
import type { Edition } from './read'

type Wish = {
  title: string
  asked: Parameters<typeof call<'POST /editions/preview'>>[1]['body']
  save: () => Promise<unknown>
}
const again = () => stale('editions', 'features', 'plans', 'me', 'usage')

export function Matrix() {
  const [wish, setWish] = useState<Wish | null>(null)
  const editions = useEditions()
  const features = useFeatures()
  const plans = usePlans()
  const wrong = editions.error ?? features.error ?? plans.error
  if (wrong)
    return (
      <Trouble
        error={wrong}
        again={() => {
          void editions.refetch()
          void features.refetch()
          void plans.refetch()
        }}
      />
    )
  if (!editions.data || !features.data || !plans.data) return <Waiting what={t('editions.features')} />
  const columns = inOrder(editions.data)
  const turnEdition = (one: Edition, enabled: boolean) =>
    setWish({
      title: t(enabled ? 'editions.turnOn' : 'editions.turnOff', { name: one.title }),
      asked: { edition: one.id, enabled },
      save: () => call('PATCH /editions/{key}', { path: { key: one.id }, body: { enabled } }),
    })
  const turn = (one: Edition, key: string, name: string, on: boolean) => {
    const plan = one.plans[0]
    const title = t(on ? 'editions.give' : 'editions.take', { feature: name, edition: one.title })
    const whole = plans.data.find((each) => each.key === plan?.id)
    if (plan && whole && decided(one, plan, key).by === 'plan') {
      const held = { ...whole.features, [key]: on }
      const save = async () => {
        const now = await call('GET /plans/{key}', { path: { key: plan.id } })
        await call('PATCH /plans/{key}', {
          path: { key: plan.id },
          body: { features: { ...now.features, [key]: on } },
          version: now.row_version,
        })
      }
      return setWish({ title, asked: { plan: plan.id, features: held }, save })
    }
    const rest = one.features.filter((each) => each !== key && each !== `-${key}`)
    const held = on ? (says(rest, key) ? rest : [...rest, key]) : says(rest, key) ? [...rest, `-${key}`] : rest
    return setWish({
      title,
      asked: {
        edition: one.id,
        features: Object.fromEntries(held.map((each) => [each.replace(/^-/, ''), !each.startsWith('-')])),
      },
      save: () => call('PATCH /editions/{key}', { path: { key: one.id }, body: { features: held } }),
    })
  }
  return (
    <>
      <p className="soft list-head">{t('editions.matrix.text')}</p>
      <div className="card matrix" tabIndex={0} role="region" aria-label={t('editions.features')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('editions.feature')}</th>
              {columns.map((one) => (
                <th key={one.id} scope="col" data-off={!one.enabled || undefined}>
                  <span>{one.title}</span>
                  <span className="row">
                    <Toggle
                      label={t('editions.editionOn', { name: one.title })}
                      on={one.enabled}
                      disabled={one.id === 'community'}
                      onTurn={(on) => turnEdition(one, on)}
                    />
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {features.data.map(({ key, name }) => (
              <tr key={key}>
                <th scope="row">
                  {name}
                  <code className="soft">{key}</code>
                </th>
                {columns.map((one) => (
                  <td key={one.id} data-off={!one.enabled || undefined}>
                    <Toggle
                      label={t('editions.featureIn', { feature: name, edition: one.title })}
                      on={decided(one, one.plans[0], key).on}
                      disabled={!one.enabled}
                      onTurn={(on) => turn(one, key, name, on)}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {wish && <Confirm wish={wish} onClose={() => setWish(null)} />}
    </>
  )
}

function Confirm({ wish, onClose }: { wish: Wish; onClose: () => void }) {
  const { data, error } = useQuery({
    queryKey: ['effect', wish.asked],
    queryFn: () => call('POST /editions/preview', { body: wish.asked }),
    staleTime: 0,
  })
  return (
    <Ask title={wish.title} safe word={t('admin.save')} onClose={onClose} onAct={() => wish.save().then(again)}>
      <Effect moves={data} error={error} />
    </Ask>
  )
}
