// Rows of a step: pages of 200; only the visible rows and columns are in the document. Arrows move, Enter opens a cell.
import { useQueries } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useId, useMemo, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import { PAGE_ROWS, rowsPage } from '../api/queries'
import type { Json, Rows } from '../api/types'
import { copy } from '../kit/copy'
import { Trouble, Waiting } from '../kit/parts'
import { drawn } from '../lib/drawn'
import { t } from '../lib/text'
import { Cell, CellView, NUMERIC, line, raw, shortType } from './cell'

const ROW_PX = 28
const HEAD = -1
const LEAST_PX = 64
const MOST_PX = 320
const LONG = 44
const SAMPLE = 60
/** So many columns are all in the document, so that the browser's own search finds them. */
const FEW = 40
type At = { row: number; column: number }

/** How wide the columns are, by their names and the first rows. */
function widths({ schema, rows }: Rows): number[] {
  return schema.map((column, at) => {
    const longest = Math.max(0, ...rows.slice(0, SAMPLE).map((row) => line(row[at] ?? null, column.type).length))
    const head = column.name.length * 8.2 + shortType(column.type).length * 7 + 10
    return Math.round(Math.min(MOST_PX, Math.max(LEAST_PX, Math.max(head, longest * 7.5) + 28)))
  })
}

export function RowsTable({
  address,
  port,
  label,
  onColumn,
}: {
  address: string
  port: string
  label: string
  onColumn?: (name: string) => void
}) {
  const box = useRef<HTMLDivElement>(null)
  const id = useId()
  const [wanted, setWanted] = useState<number[]>([0])
  const [at, setAt] = useState<At | null>(null)
  const [open, setOpen] = useState<At | null>(null)
  const pages = useQueries({ queries: wanted.map((page) => rowsPage(address, page, port)) })
  const first = pages[wanted.indexOf(0)]?.data
  const total = first?.total_rows ?? first?.rows.length ?? 0
  const sizes = useMemo(() => (first ? widths(first) : []), [first])
  const rows = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
    rangeExtractor: drawn,
    scrollPaddingStart: ROW_PX + 4,
    onChange: (it) => {
      const from = Math.floor((it.range?.startIndex ?? 0) / PAGE_ROWS)
      const to = Math.floor((it.range?.endIndex ?? 0) / PAGE_ROWS)
      const need = [...new Set([0, from, to])]
      setWanted((now) =>
        need.every((page) => now.includes(page)) && now.length <= 6 ? now : [...new Set([...need, ...now.slice(-3)])],
      )
    },
  })
  const columns = useVirtualizer({
    count: sizes.length,
    horizontal: true,
    getScrollElement: () => box.current,
    estimateSize: (index) => sizes[index] ?? LEAST_PX,
    overscan: sizes.length > FEW ? 3 : FEW,
  })
  const error = pages.find((page) => page.error)?.error
  if (error) return <Trouble error={error} again={() => pages.forEach((page) => void page.refetch())} />
  if (!first) return <Waiting what={t('results.rowsWord')} />
  const { schema } = first
  if (!schema.length) return <p className="soft pad">{t('results.noColumns')}</p>
  const page = (row: number) => pages[wanted.indexOf(Math.floor(row / PAGE_ROWS))]?.data
  const value = ({ row, column }: At): Json | undefined => page(row)?.rows[row % PAGE_ROWS]?.[column]
  const numeric = (column: number) => NUMERIC.has(schema[column]?.type ?? '') || undefined
  const go = (to: At) => {
    setAt(to)
    if (to.row >= 0) rows.scrollToIndex(to.row)
    columns.scrollToIndex(to.column)
  }
  const act = ({ row, column }: At) => {
    if (row === HEAD) onColumn?.(schema[column]?.name ?? '')
    else if (value({ row, column }) !== undefined) setOpen({ row, column })
  }
  const key = (event: KeyboardEvent) => {
    const now = at ?? { row: 0, column: 0 }
    const leap = Math.max(1, Math.floor((box.current?.clientHeight ?? 300) / ROW_PX) - 2)
    const moves: Record<string, At> = {
      ArrowDown: { ...now, row: now.row + 1 },
      ArrowUp: { ...now, row: now.row - 1 },
      ArrowRight: { ...now, column: now.column + 1 },
      ArrowLeft: { ...now, column: now.column - 1 },
      PageDown: { ...now, row: now.row + leap },
      PageUp: { ...now, row: Math.max(0, now.row - leap) },
      Home: { ...now, column: 0 },
      End: { ...now, column: schema.length - 1 },
    }
    const far: Record<string, At> = { Home: { row: 0, column: 0 }, End: { row: total - 1, column: schema.length - 1 } }
    const to = (event.ctrlKey || event.metaKey ? far[event.key] : undefined) ?? moves[event.key]
    if (to)
      go(
        at
          ? {
              row: Math.max(HEAD, Math.min(total - 1, to.row)),
              column: Math.max(0, Math.min(schema.length - 1, to.column)),
            }
          : now,
      )
    else if (event.key === 'Enter' && at) act(at)
    else if (
      event.key === 'c'
      && (event.ctrlKey || event.metaKey)
      && at
      && at.row !== HEAD
      && !getSelection()?.toString()
    )
      void copy(raw(value(at) ?? null))
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const shown = columns.getVirtualItems()
  const items = rows.getVirtualItems()
  const left = shown[0]?.start ?? 0
  const right = Math.max(0, columns.getTotalSize() - (shown.at(-1)?.end ?? 0))
  const above = items[0]?.start ?? 0
  const below = rows.getTotalSize() - (items.at(-1)?.end ?? 0)
  const across = shown.length + (left > 0 ? 1 : 0) + (right > 0 ? 1 : 0) + 1
  const pad = (px: number) => px > 0 && <td aria-hidden="true" className="pad-cell" />
  const is = (row: number, column: number) => (at?.row === row && at.column === column) || undefined
  return (
    <div className="grid rows-grid" ref={box} role="region" aria-label={t('results.rowsOf', { name: label })}>
      <table
        role="grid"
        aria-label={label}
        aria-rowcount={total + 1}
        aria-colcount={schema.length}
        tabIndex={0}
        onKeyDown={key}
        aria-activedescendant={at ? `${id}-${at.row}-${at.column}` : undefined}
        style={{ width: columns.getTotalSize() }}
      >
        <colgroup>
          {left > 0 && <col style={{ width: left }} />}
          {shown.map((column) => (
            <col key={column.key} style={{ width: column.size }} />
          ))}
          {right > 0 && <col style={{ width: right }} />}
          <col />
        </colgroup>
        <thead>
          <tr>
            {pad(left)}
            {shown.map(({ key: name, index }) => {
              const column = schema[index]
              return (
                column && (
                  <th
                    key={name}
                    id={`${id}--1-${index}`}
                    scope="col"
                    aria-colindex={index + 1}
                    data-numeric={numeric(index)}
                    data-active={is(HEAD, index)}
                  >
                    {onColumn ? (
                      <button
                        type="button"
                        tabIndex={-1}
                        title={t('results.lookAt', { name: column.name })}
                        onClick={() => onColumn(column.name)}
                      >
                        {column.name} <code>{shortType(column.type)}</code>
                      </button>
                    ) : (
                      <>
                        {column.name} <code>{shortType(column.type)}</code>
                      </>
                    )}
                  </th>
                )
              )
            })}
            {pad(right)}
            <td aria-hidden="true" className="pad-cell" />
          </tr>
        </thead>
        <tbody>
          {above > 0 && (
            <tr aria-hidden="true" style={{ height: above }}>
              <td colSpan={across} />
            </tr>
          )}
          {items.map((item) => (
            <tr key={item.key} aria-rowindex={item.index + 2}>
              {pad(left)}
              {shown.map(({ key: name, index }) => {
                const place = { row: item.index, column: index }
                const held = value(place)
                const long =
                  (typeof held === 'object' && held !== null) || (typeof held === 'string' && held.length > LONG)
                return (
                  <td
                    key={name}
                    id={`${id}-${item.index}-${index}`}
                    aria-colindex={index + 1}
                    data-numeric={numeric(index)}
                    data-active={is(item.index, index)}
                    data-long={long || undefined}
                    onClick={() => {
                      setAt(place)
                      if (long && !getSelection()?.toString()) act(place)
                    }}
                    onDoubleClick={() => act(place)}
                  >
                    <Cell value={held} type={schema[index]?.type ?? ''} />
                  </td>
                )
              })}
              {pad(right)}
              <td aria-hidden="true" className="pad-cell" />
            </tr>
          ))}
          {below > 0 && (
            <tr aria-hidden="true" style={{ height: below }}>
              <td colSpan={across} />
            </tr>
          )}
        </tbody>
      </table>
      {total === 0 && <p className="soft pad">{t('results.noRows')}</p>}
      {open && schema[open.column] && (
        <CellView
          value={value(open) ?? null}
          column={schema[open.column] as Rows['schema'][number]}
          row={open.row}
          onClose={() => setOpen(null)}
        />
      )}
    </div>
  )
}
