// Parts of pages about people and the platform: a card with a heading, a tile of letters, a bar of use, a switch.
import { Switch } from '@base-ui/react/switch'
import { Lock } from 'lucide-react'
import type { ReactNode } from 'react'
import { count } from '../lib/format'
import { t } from '../lib/text'

/** `side` puts the heading beside a form. */
export function Section({
  title,
  text,
  actions,
  side,
  children,
}: {
  title: string
  text?: ReactNode
  actions?: ReactNode
  side?: boolean
  children?: ReactNode
}) {
  return (
    <section className="card section" data-side={side || undefined} aria-label={title}>
      <header>
        <div>
          <h2>{title}</h2>
          {text && <p className="soft">{text}</p>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </header>
      {children}
    </section>
  )
}

/** The letters of somebody's name. */
export function Face({ name }: { name: string }) {
  const letters = name
    .split(/[\s@.]+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((part) => [...part][0])
    .join('')
  return (
    <span className="face" aria-hidden="true">
      {letters.toUpperCase() || '?'}
    </span>
  )
}

/** How much of a limit is used; -1 is no limit. */
export function Meter({
  label,
  used,
  limit,
  show = count,
}: {
  label: string
  used: number
  limit: number
  show?: (value: number) => string
}) {
  const part = limit > 0 ? Math.min(1, used / limit) : limit === 0 && used > 0 ? 1 : 0
  const tone = limit < 0 ? 'none' : part >= 1 ? 'error' : part >= 0.8 ? 'warn' : 'ok'
  const said =
    limit < 0
      ? t('admin.unlimited', { used: show(used) })
      : t('admin.ofLimit', { used: show(used), limit: show(limit) })
  return (
    <div className="meter" data-tone={tone}>
      <span className="meter-label">{label}</span>
      <span className="meter-said">
        {said}
        {tone === 'error' && <b> {t('admin.usedUp')}</b>}
      </span>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={`${label}: ${said}`}>
        <rect className="meter-back" width="100" height="6" />
        <rect className="meter-front" width={part * 100} height="6" />
      </svg>
    </div>
  )
}

export function Toggle({
  label,
  on,
  disabled,
  onTurn,
}: {
  label: string
  on: boolean
  disabled?: boolean
  onTurn: (on: boolean) => void
}) {
  return (
    <Switch.Root className="switch" aria-label={label} checked={on} disabled={disabled} onCheckedChange={onTurn}>
      <Switch.Thumb className="switch-thumb" />
    </Switch.Root>
  )
}

/** Instead of a page that this person may not see. */
export function NotYours({ permission }: { permission: string }) {
  return (
    <div className="empty">
      <Lock size={28} aria-hidden="true" />
      <h2>{t('app.notYours')}</h2>
      <p className="soft">{t('admin.notYours.why', { permission })}</p>
    </div>
  )
}
