// The icons of plugins: one names a bundled icon as `lucide:name`, anything else shows two letters.
import {
  AppWindow, ArrowDownUp, Box, Braces, Calculator, Calendar, CalendarClock, CalendarDays, CalendarRange, ClipboardList, ClipboardPen, Clock, Cloud, Code, Columns3, Contact,
  CopyMinus, Database, DatabaseBackup, DatabaseZap, Dices, FileBox, FileText, Filter, Flag, FolderOpen, FolderSearch, FormInput, GitBranch, GitFork, GitMerge,
  Globe, Hand, Inbox, Link, ListEnd, LogIn, LogOut, Mail, Mailbox, Merge, OctagonX, PaintBucket, Pencil, Plug, Puzzle, Rabbit, RadioTower, RefreshCw, Repeat,
  Replace, Reply, Rows3, Rss, Send, Server, Share2, ShieldCheck, Sigma, Siren, Sparkles, Split, Table2, TableRowsSplit, Timer, Undo2, UnfoldVertical, UserCheck, Waves,
  Webhook, Workflow, Zap,
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
  'radio-tower': RadioTower, send: Send, rabbit: Rabbit, waves: Waves, inbox: Inbox, mailbox: Mailbox, 'folder-search': FolderSearch,
  'database-backup': DatabaseBackup, 'form-input': FormInput, 'clipboard-list': ClipboardList, 'undo-2': Undo2, 'calendar-days': CalendarDays, 'clipboard-pen': ClipboardPen,
  server: Server, 'git-branch': GitBranch, 'share-2': Share2, link: Link, contact: Contact, rss: Rss, braces: Braces, puzzle: Puzzle,
}

/** The bundled icon that a plugin names. */
export const iconOf = (icon: string): LucideIcon | undefined => BUNDLED[icon.replace(/^lucide:/, '')]

export function Tile({ icon, kind, title, small }: { icon: string; kind: Kind | 'connector'; title: string; small?: boolean }) {
  const Found = iconOf(icon)
  return (
    <span className={small ? 'tile tile-small' : 'tile'} data-kind={kind} aria-hidden="true">
      {Found ? <Found size={small ? 16 : 18} /> : title.slice(0, 2)}
    </span>
  )
}
