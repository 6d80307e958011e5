// Small parts that pages share.
import { Lock, Search } from 'lucide-react'
import type { ReactNode } from 'react'
import { ApiError } from '../api/client'
import { t } from '../lib/text'

export function Page({
  title,
  text,
  actions,
  children,
}: {
  title: string
  text?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          {text && <p className="soft">{text}</p>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </header>
      {children}
    </main>
  )
}

export function Empty({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p className="soft">{text}</p>
      {children}
    </div>
  )
}

export function Waiting({ what }: { what: string }) {
  return (
    <p className="waiting soft" role="status">
      {t('app.loading', { what })}
    </p>
  )
}

/** Why something cannot be shown; who may not see it cannot help it by asking again. */
export function Trouble({ error, again }: { error: Error; again?: () => void }) {
  if (error instanceof ApiError && error.status === 403)
    return (
      <div className="empty" role="alert">
        <Lock size={28} aria-hidden="true" />
        <h2>{t('app.notYours')}</h2>
        <p className="soft">{error.message}</p>
      </div>
    )
  return (
    <div className="notice" data-tone="error" role="alert">
      <span>{error.message}</span>
      {again && (
        <button type="button" className="button" onClick={again}>
          {t('app.again')}
        </button>
      )}
    </div>
  )
}

export function SearchBox({
  label,
  value,
  onChange,
}: {
  label: string
  value: string
  onChange: (text: string) => void
}) {
  return (
    <label className="search">
      <span className="sr">{label}</span>
      <Search size={15} aria-hidden="true" />
      <input type="search" placeholder={label} value={value} onChange={(event) => onChange(event.target.value)} />
    </label>
  )
}

export function Pages({ page, total, onChange }: { page: number; total: number; onChange: (page: number) => void }) {
  if (total < 2) return null
  return (
    <nav className="row pages" aria-label={t('app.pages')}>
      <button type="button" className="button" disabled={page < 2} onClick={() => onChange(page - 1)}>
        {t('app.previous')}
      </button>
      <span className="soft">{t('app.pageOf', { page, total })}</span>
      <button type="button" className="button" disabled={page >= total} onClick={() => onChange(page + 1)}>
        {t('app.next')}
      </button>
    </nav>
  )
}
