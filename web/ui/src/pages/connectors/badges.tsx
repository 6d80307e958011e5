// How far a connector is proven, and whether the edition has it.
import { useQuery } from '@tanstack/react-query'
import { BadgeCheck, FlaskConical, Lock, ShieldQuestion } from 'lucide-react'
import { get } from '../../api/client'
import type { Connector } from '../../api/types'
import { useMe } from '../../app/me'
import { t } from '../../lib/text'
import { proof, proofWhy } from './words'

const LEVELS: Record<string, { tone: string; Icon: typeof BadgeCheck }> = {
  'real server': { tone: 'ok', Icon: BadgeCheck },
  engine: { tone: 'ok', Icon: BadgeCheck },
  'wire-compatible': { tone: 'idle', Icon: FlaskConical },
  emulator: { tone: 'idle', Icon: FlaskConical },
  contract: { tone: 'idle', Icon: FlaskConical },
  recorded: { tone: 'idle', Icon: FlaskConical },
}

export function Proof({ level }: { level: string }) {
  const { tone, Icon } = LEVELS[level] ?? { tone: 'warn', Icon: ShieldQuestion }
  return (
    <span className="badge" data-tone={tone} title={proofWhy(level)}>
      <Icon size={13} aria-hidden="true" />
      {proof(level)}
    </span>
  )
}

type Edition = { id: string; title: string; features: string[]; plans: { title: string; features: string[] }[] }

/** Whether the feature that a connector needs is switched off here. */
export function useLocked(connector: Connector | undefined): boolean {
  const me = useMe()
  return Boolean(connector?.feature && me && !me.features[connector.feature])
}

/** The badge of a connector that the edition does not have, naming one that does. */
export function Gate({ connector }: { connector: Connector }) {
  const locked = useLocked(connector)
  const { data } = useQuery({
    queryKey: ['editions'],
    queryFn: () => get<Edition[]>('/editions'),
    enabled: locked,
    staleTime: 60_000,
  })
  if (!locked) return null
  const has = (features: string[]) =>
    !features.includes(`-${connector.feature}`) && features.some((one) => one === '*' || one === connector.feature)
  const edition = data?.find(({ features, plans }) => has(features) || plans.some((plan) => has(plan.features)))
  return (
    <span className="badge" data-tone="warn">
      <Lock size={13} aria-hidden="true" />
      {edition?.title ?? t('connections.notInEdition')}
    </span>
  )
}
