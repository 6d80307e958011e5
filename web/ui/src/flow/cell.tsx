// A value of a table: short in its cell, whole in a view of its own.
import { Copy } from 'lucide-react'
import type { Column, Json } from '../api/types'
import { copy } from '../kit/copy'
import { Dialog } from '../kit/dialog'
import { count } from '../lib/format'
import { t } from '../lib/text'

export const NUMERIC = new Set(['integer', 'float', 'decimal', 'duration'])
const SHORT: Record<string, string> = {
  integer: 'int',
  float: 'float',
  decimal: 'dec',
  text: 'text',
  boolean: 'bool',
  timestamp: 'time',
}
export const shortType = (type: string) => SHORT[type] ?? type
const INSTANT = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)(.*)$/

/** A value in one line. */
export function line(value: Json, type: string): string {
  if (value === null) return t('results.null')
  if (typeof value === 'object') return JSON.stringify(value)
  if (type === 'float' && typeof value === 'number' && !Number.isInteger(value))
    return String(Math.round(value * 1e6) / 1e6)
  if (type === 'timestamp' && typeof value === 'string')
    return value.replace(INSTANT, '$1 $2 $3').replace(/\.0+ /, ' ').trim()
  return String(value).replace(/\s+/g, ' ')
}

export function Cell({ value, type }: { value: Json | undefined; type: string }) {
  if (value === undefined) return '…'
  if (value === null) return <span className="null">{t('results.null')}</span>
  if (value === '') return <span className="null">{t('results.emptyText')}</span>
  if (typeof value === 'object') return <code>{JSON.stringify(value)}</code>
  if (typeof value === 'boolean') return <span data-truth={value}>{String(value)}</span>
  return line(value, type)
}

/** The value as somebody would paste it. */
export const raw = (value: Json): string =>
  value === null ? '' : typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)

/** JSON in a text is shown as what it is. */
function whole(value: Json): string {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return raw(value)
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
  } catch {
    return value
  }
}

export function CellView({
  value,
  column,
  row,
  onClose,
}: {
  value: Json
  column: Column
  row: number
  onClose: () => void
}) {
  const text = whole(value)
  const cut = typeof value === 'string' && value.length > 2_000 && value.endsWith('…')
  return (
    <Dialog
      title={column.name}
      text={t('results.cellOf', { type: column.type, row: row + 1 })}
      size="large"
      onClose={onClose}
    >
      {value === null || value === '' ? (
        <p className="null">{t(value === null ? 'results.null' : 'results.emptyText')}</p>
      ) : (
        <pre className="cell-view" tabIndex={0} role="region" aria-label={t('results.value')}>
          {text}
        </pre>
      )}
      <footer className="dialog-foot cell-foot">
        <span className="soft">
          {value === null ? '' : t('results.characters', { n: text.length })}
          {cut ? ` · ${t('results.cellCut', { most: count(10_000) })}` : ''}
        </span>
        <button type="button" className="button primary" onClick={() => void copy(raw(value))}>
          <Copy size={14} aria-hidden="true" />
          {t('results.copy')}
        </button>
      </footer>
    </Dialog>
  )
}
