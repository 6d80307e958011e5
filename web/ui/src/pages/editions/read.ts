// Editions, their plans, and which of them has a feature.
import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/call'
import { known } from '../../lib/known'
import { t } from '../../lib/text'

export type EditionPlan = {
  id: string
  title: string
  features: string[]
  limits: Record<string, number>
  price: string
}
export type Edition = {
  id: string
  title: string
  features: string[]
  enabled: boolean
  current: boolean
  needs_licence: boolean
  plans: EditionPlan[]
}

export const useEditions = () =>
  useQuery({ queryKey: ['editions'], queryFn: async () => (await call('GET /editions')) as unknown as Edition[] })
/** Features, ours by their name in the language of the page. */
export const useFeatures = () =>
  useQuery({
    queryKey: ['features'],
    queryFn: () => call('GET /features'),
    select: (all) => all.map((one) => ({ ...one, name: known(t(`editions.name.${one.key}`), one.name) })),
  })
export const usePlans = () => useQuery({ queryKey: ['plans'], queryFn: () => call('GET /plans') })

/** What a set says of a feature: `*` is every one, `-key` all but this; undefined when it says nothing. */
export function says(features: string[], key: string): boolean | undefined {
  if (features.includes(`-${key}`)) return false
  return features.includes(key) || features.includes('*') ? true : undefined
}

/** Whether a plan of an edition has a feature, and which of the two says so. */
export function decided(
  edition: Edition,
  plan: EditionPlan | undefined,
  key: string,
): { on: boolean; by: 'plan' | 'edition' } {
  const said = plan && says(plan.features, key)
  return said === undefined ? { on: says(edition.features, key) ?? false, by: 'edition' } : { on: said, by: 'plan' }
}

/** Titles of the editions that have a feature. */
export const having = (editions: Edition[], key: string) =>
  editions
    .filter((one) => one.enabled && one.plans.some((plan) => decided(one, plan, key).on))
    .map(({ title }) => title)

/** The weakest first. */
export const inOrder = (editions: Edition[]) => {
  const weight = (one: Edition) =>
    one.id === 'community' ? -1 : one.features.includes('*') ? 1_000 : one.features.length
  return [...editions].sort((a, b) => weight(a) - weight(b))
}
