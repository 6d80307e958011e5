// Rows that are all here: a table of which only the visible part is in the document.
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import type { Column, Json } from '../api/types'
import { drawn } from '../lib/drawn'

const ROW_PX = 28
const NUMERIC = new Set(['integer', 'float', 'decimal'])

function shown(value: Json) {
  if (value === null) return <span className="null">null</span>
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export function RowsGrid({ columns, rows, label }: { columns: Column[]; rows: Json[][]; label: string }) {
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
    rangeExtractor: drawn,
  })
  const items = virtual.getVirtualItems()
  const above = items[0]?.start ?? 0
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const numeric = columns.map((column) => NUMERIC.has(column.type) || undefined)
  return (
    <div className="grid" ref={box} tabIndex={0} role="region" aria-label={label}>
      <table aria-rowcount={rows.length + 1}>
        <caption className="sr">{label}</caption>
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th key={column.name} scope="col" data-numeric={numeric[at]}>
                {column.name} <code>{column.type}</code>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && (
            <tr aria-hidden="true" style={{ height: above }}>
              <td colSpan={columns.length} />
            </tr>
          )}
          {items.map(({ key, index }) => (
            <tr key={key} aria-rowindex={index + 2}>
              {columns.map((column, at) => (
                <td key={column.name} data-numeric={numeric[at]} title={String(rows[index]?.[at] ?? '')}>
                  {shown(rows[index]?.[at] ?? null)}
                </td>
              ))}
            </tr>
          ))}
          {below > 0 && (
            <tr aria-hidden="true" style={{ height: below }}>
              <td colSpan={columns.length} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  )
}
