// The bundled icons; a plugin names one as `lucide:name`, anything else shows two letters.
import {
  AppWindow, ArrowDownUp, Box, Calculator, Calendar, CalendarClock, CalendarRange, CircleAlert, CircleCheck, CircleDashed, CircleSlash, CircleX, Clock,
  Cloud, Code, Columns3, CopyMinus, Database, DatabaseZap, Dices, FileBox, FileText, Filter, FolderOpen, GitMerge, Globe, Hand, ListEnd, LoaderCircle, Mail, Merge,
  Flag, GitFork, Hourglass, LogIn, LogOut, OctagonX, PaintBucket, PauseCircle, Pencil, Plug, RefreshCw, Repeat, Replace, Reply, Rows3, ShieldCheck, Sigma, Siren, Sparkles, Split, Table2,
  TableRowsSplit, Timer, UnfoldVertical, UserCheck, Webhook, Workflow, Zap,
} from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import type { Kind } from '../api/types'

const BUNDLED: Record<string, LucideIcon> = {
  'app-window': AppWindow, 'arrow-down-up': ArrowDownUp, box: Box, calculator: Calculator, calendar: Calendar, clock: Clock,
  cloud: Cloud, 'columns-3': Columns3, 'copy-minus': CopyMinus, database: Database, dices: Dices, 'file-box': FileBox,
  'file-text': FileText, filter: Filter, 'folder-open': FolderOpen, globe: Globe, 'list-end': ListEnd, mail: Mail, merge: Merge,
  'paint-bucket': PaintBucket, pencil: Pencil, replace: Replace, 'rows-3': Rows3, 'shield-check': ShieldCheck, sigma: Sigma,
  sparkles: Sparkles, split: Split, 'table-2': Table2, 'table-rows-split': TableRowsSplit, 'unfold-vertical': UnfoldVertical,
  webhook: Webhook, 'calendar-clock': CalendarClock, 'calendar-range': CalendarRange, code: Code, 'database-zap': DatabaseZap,
  flag: Flag, 'git-fork': GitFork, 'log-in': LogIn, 'log-out': LogOut, 'octagon-x': OctagonX, repeat: Repeat, reply: Reply, siren: Siren,
  'user-check': UserCheck, workflow: Workflow, 'git-merge': GitMerge, hand: Hand, plug: Plug, 'refresh-cw': RefreshCw, timer: Timer, zap: Zap,
}

export function Tile({ icon, kind, title, small }: { icon: string; kind: Kind | 'connector'; title: string; small?: boolean }) {
  const Found = BUNDLED[icon.replace(/^lucide:/, '')]
  return (
    <span className={small ? 'tile tile-small' : 'tile'} data-kind={kind} aria-hidden="true">
      {Found ? <Found size={small ? 16 : 18} /> : title.slice(0, 2)}
    </span>
  )
}

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
