// Whether a trigger acts, and if not, why.
import { CircleAlert, CircleCheck, CirclePause, CircleX } from 'lucide-react'
import { t } from '../../lib/text'

type Acts = { error: string | null; is_active: boolean; armed: boolean }
export type Stand = 'trouble' | 'paused' | 'active' | 'flow'

export const standOf = ({ error, is_active, armed }: Acts): Stand =>
  error ? 'trouble' : !is_active ? 'paused' : armed ? 'active' : 'flow'

const LOOK = {
  trouble: ['error', CircleX],
  paused: ['idle', CirclePause],
  active: ['ok', CircleCheck],
  flow: ['warn', CircleAlert],
} as const

export function Standing({ trigger }: { trigger: Acts }) {
  const stand = standOf(trigger)
  const [tone, Icon] = LOOK[stand]
  return (
    <span className="badge" data-tone={tone}>
      <Icon size={14} aria-hidden="true" />
      {t(`triggers.stand.${stand}`)}
    </span>
  )
}
