// A state as an icon and a word.
import {
  CircleAlert, CircleCheck, CircleDashed, CircleSlash, CircleX, Clock, Hourglass, LoaderCircle, PauseCircle,
} from 'lucide-react'
import type { LucideIcon } from 'lucide-react'

const STATES: Record<string, { word: string; tone: string; Icon: LucideIcon }> = {
  completed: { word: 'Succeeded', tone: 'ok', Icon: CircleCheck }, success: { word: 'Works', tone: 'ok', Icon: CircleCheck },
  running: { word: 'Running', tone: 'run', Icon: LoaderCircle }, queued: { word: 'Queued', tone: 'idle', Icon: Clock },
  waiting: { word: 'Waiting', tone: 'wait', Icon: Hourglass }, pending: { word: 'Waiting', tone: 'idle', Icon: CircleDashed },
  failed: { word: 'Failed', tone: 'error', Icon: CircleX }, dead: { word: 'Failed', tone: 'error', Icon: CircleX },
  timed_out: { word: 'Timed out', tone: 'error', Icon: CircleX }, cancelling: { word: 'Cancelling', tone: 'warn', Icon: LoaderCircle },
  parked: { word: 'Waiting', tone: 'wait', Icon: Hourglass }, held: { word: 'Held', tone: 'wait', Icon: PauseCircle },
  approved: { word: 'Approved', tone: 'ok', Icon: CircleCheck }, rejected: { word: 'Rejected', tone: 'error', Icon: CircleX },
  open: { word: 'Open', tone: 'wait', Icon: Hourglass }, expired: { word: 'Too late', tone: 'warn', Icon: CircleAlert },
  cancelled: { word: 'Cancelled', tone: 'warn', Icon: CircleSlash }, skipped: { word: 'Skipped', tone: 'idle', Icon: CircleSlash },
  retrying: { word: 'Trying again', tone: 'warn', Icon: LoaderCircle }, untested: { word: 'Not tested', tone: 'idle', Icon: CircleDashed },
  warning: { word: 'Warning', tone: 'warn', Icon: CircleAlert },
}
const stateOf = (name: string) => STATES[name] ?? { word: name, tone: 'idle', Icon: CircleDashed }
const spins = (tone: string, name: string) => (tone === 'run' || name === 'cancelling' ? 'spin' : undefined)

/** A state as an icon and a word: colour alone says nothing. */
export function State({ name, more }: { name: string; more?: string }) {
  const { word, tone, Icon } = stateOf(name)
  return <span className="badge" data-tone={tone} data-state={name}><Icon size={14} className={spins(tone, name)} aria-hidden="true" />{word}{more ? ` ${more}` : ''}</span>
}

export function StateIcon({ name }: { name: string }) {
  const { word, tone, Icon } = stateOf(name)
  return <span className="state-icon" data-tone={tone} role="img" aria-label={word}><Icon size={15} className={spins(tone, name)} aria-hidden="true" /></span>
}
