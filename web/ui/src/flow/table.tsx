// Rows of a step: pages of 200, only the visible ones in the document.
import { useQueries } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef, useState } from 'react'
import { PAGE_ROWS, rowsPage } from '../api/queries'
import type { Json, Rows } from '../api/types'
import { Trouble, Waiting } from '../kit/parts'
import { count } from '../lib/format'

const ROW_PX = 28
const NUMERIC = new Set(['integer', 'float', 'decimal'])
const SHORT: Record<string, string> = { integer: 'int', float: 'float', decimal: 'dec', text: 'text', boolean: 'bool', timestamp: 'time', date: 'date' }

function cell(value: Json, numeric: boolean) {
  if (value === null) return <span className="null">null</span>
  if (typeof value === 'object') return JSON.stringify(value)
  return numeric && typeof value === 'number' && !Number.isInteger(value) ? String(Math.round(value * 1e6) / 1e6) : String(value)
}

export function RowsTable({ address, port, label }: { address: string; port: string; label: string }) {
  const box = useRef<HTMLDivElement>(null)
  const [wanted, setWanted] = useState<number[]>([0])
  const pages = useQueries({ queries: wanted.map((page) => rowsPage(address, page, port)) })
  const first = pages[wanted.indexOf(0)]?.data
  const total = first?.total_rows ?? first?.rows.length ?? 0
  const rows = useVirtualizer({
    count: total, getScrollElement: () => box.current, estimateSize: () => ROW_PX, overscan: 8,
    onChange: (it) => {
      const from = Math.floor((it.range?.startIndex ?? 0) / PAGE_ROWS)
      const to = Math.floor((it.range?.endIndex ?? 0) / PAGE_ROWS)
      const need = [...new Set([0, from, to])]
      setWanted((now) => (need.every((page) => now.includes(page)) && now.length <= 6 ? now : [...new Set([...need, ...now.slice(-3)])]))
    },
  })
  const error = pages.find((page) => page.error)?.error
  if (error) return <Trouble error={error} again={() => pages.forEach((page) => void page.refetch())} />
  if (!first) return <Waiting what="rows" />
  if (!first.schema.length) return <p className="soft pad">This step has no columns.</p>
  const at = (index: number): Rows['rows'][number] | undefined => pages[wanted.indexOf(Math.floor(index / PAGE_ROWS))]?.data?.rows[index % PAGE_ROWS]
  const numeric = first.schema.map((column) => NUMERIC.has(column.type))
  const items = rows.getVirtualItems()
  const above = items[0]?.start ?? 0
  const below = rows.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    <div className="grid" ref={box} tabIndex={0} role="region" aria-label={`Rows of ${label}`}>
      <table aria-rowcount={total + 1}>
        <caption className="sr">{label}: {count(total)} rows</caption>
        <thead><tr>{first.schema.map((column, index) => <th key={column.name} scope="col" data-numeric={numeric[index] || undefined}>{column.name} <code>{SHORT[column.type] ?? column.type}</code></th>)}</tr></thead>
        <tbody>
          {above > 0 && <tr aria-hidden="true" style={{ height: above }}><td colSpan={first.schema.length} /></tr>}
          {items.map((item) => {
            const row = at(item.index)
            return <tr key={item.key} aria-rowindex={item.index + 2}>{first.schema.map((column, index) => <td key={column.name} data-numeric={numeric[index] || undefined}>{row ? cell(row[index] ?? null, numeric[index] ?? false) : '…'}</td>)}</tr>
          })}
          {below > 0 && <tr aria-hidden="true" style={{ height: below }}><td colSpan={first.schema.length} /></tr>}
        </tbody>
      </table>
      {total === 0 && <p className="soft pad">No rows came out of this step.</p>}
    </div>
  )
}
