// A state as an icon and a word.
import {
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CirclePause,
  CirclePlay,
  CircleSlash,
  CircleX,
  Clock,
  Hourglass,
  LoaderCircle,
  Pencil,
} from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import { t } from '../lib/text'

/** By state: its tone and icon; its word is `work.state.<state>`. */
const STATES: Record<string, [tone: string, Icon: LucideIcon]> = {
  completed: ['ok', CircleCheck],
  success: ['ok', CircleCheck],
  running: ['run', LoaderCircle],
  queued: ['idle', Clock],
  waiting: ['wait', Hourglass],
  pending: ['idle', CircleDashed],
  failed: ['error', CircleX],
  dead: ['error', CircleX],
  timed_out: ['error', CircleX],
  cancelling: ['warn', LoaderCircle],
  parked: ['wait', Hourglass],
  held: ['wait', CirclePause],
  approved: ['ok', CircleCheck],
  rejected: ['error', CircleX],
  open: ['wait', Hourglass],
  expired: ['warn', CircleAlert],
  cancelled: ['warn', CircleSlash],
  skipped: ['idle', CircleSlash],
  retrying: ['warn', LoaderCircle],
  untested: ['idle', CircleDashed],
  warning: ['warn', CircleAlert],
  draft: ['idle', Pencil],
  active: ['ok', CirclePlay],
  inactive: ['idle', CirclePause],
  archived: ['idle', CircleSlash],
}
const stateOf = (name: string) => {
  const [tone, Icon] = STATES[name] ?? ['idle', CircleDashed]
  return { tone, Icon, word: name in STATES ? t(`work.state.${name}`) : name }
}
const spins = (tone: string, name: string) => (tone === 'run' || name === 'cancelling' ? 'spin' : undefined)

/** A state as an icon and a word: colour alone says nothing. */
export function State({ name, more }: { name: string; more?: string }) {
  const { word, tone, Icon } = stateOf(name)
  return (
    <span className="badge" data-tone={tone} data-state={name}>
      <Icon size={14} className={spins(tone, name)} aria-hidden="true" />
      {word}
      {more ? ` ${more}` : ''}
    </span>
  )
}

export function StateIcon({ name }: { name: string }) {
  const { word, tone, Icon } = stateOf(name)
  return (
    <span className="state-icon" data-tone={tone} role="img" aria-label={word}>
      <Icon size={15} className={spins(tone, name)} aria-hidden="true" />
    </span>
  )
}
