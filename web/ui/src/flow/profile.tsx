// What the columns of a step's rows hold: nulls, distinct values, range, mean, and how the values are spread.
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { get } from '../api/client'
import type { Json } from '../api/types'
import { Trouble, Waiting } from '../kit/parts'
import { count, moment, short } from '../lib/format'
import { t } from '../lib/text'
import { NUMERIC, line, shortType } from './cell'

type Common = { value: Json; count: number }
type Column = {
  name: string
  type: string
  null_count: number
  distinct_count: number | null
  min: Json
  max: Json
  mean: Json
  not_finite: number
  histogram: number[] | null
  commonest: Common[]
}
type Profile = { rows: number; total_rows: number; whole: boolean; total_columns: number; columns: Column[] }

const WIDTH = 168
const HEIGHT = 36

export function ColumnsProfile({
  address,
  port,
  label,
  column,
}: {
  address: string
  port: string
  label: string
  column: string
}) {
  const { data, error, refetch } = useQuery({
    queryKey: ['rows', 'profile', address, port],
    queryFn: () => get<Profile>(`${address}/profile?port=${encodeURIComponent(port)}`),
    staleTime: Infinity,
    retry: false,
  })
  const chosen = useRef<HTMLTableRowElement>(null)
  useEffect(() => {
    void chosen.current?.scrollIntoView({ block: 'nearest' })
  }, [column, data])
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('results.profileWord')} />
  const said = [
    data.whole
      ? t('results.profileAll', { n: data.rows })
      : t('results.profileFirst', { first: data.rows, total: data.total_rows }),
    data.columns.length < data.total_columns
      ? t('results.profileColumns', { first: data.columns.length, total: data.total_columns })
      : '',
  ]
  return (
    <div className="grid profile" tabIndex={0} role="region" aria-label={t('results.profileOf', { name: label })}>
      <p className="soft profile-said">{said.filter(Boolean).join(' ')}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('results.column')}</th>
            <th scope="col">{t('results.spread')}</th>
            <th scope="col" data-numeric>
              {t('results.nulls')}
            </th>
            <th scope="col" data-numeric>
              {t('results.distinct')}
            </th>
            <th scope="col" data-numeric>
              {t('results.min')}
            </th>
            <th scope="col" data-numeric>
              {t('results.mean')}
            </th>
            <th scope="col" data-numeric>
              {t('results.max')}
            </th>
          </tr>
        </thead>
        <tbody>
          {data.columns.map((one) => (
            <tr
              key={one.name}
              ref={one.name === column ? chosen : undefined}
              data-chosen={one.name === column || undefined}
            >
              <th scope="row">
                {one.name} <code>{shortType(one.type)}</code>
              </th>
              <td>
                <Spread column={one} rows={data.rows} />
              </td>
              <td data-numeric>
                <Share part={one.null_count} whole={data.rows} />
                {one.not_finite > 0 && <span className="soft">{t('results.notFinite', { n: one.not_finite })}</span>}
              </td>
              <td data-numeric>{one.distinct_count === null ? '–' : count(one.distinct_count)}</td>
              <td data-numeric title={said1(one, one.min)}>
                {said1(one, one.min)}
              </td>
              <td data-numeric>{said1(one, one.mean)}</td>
              <td data-numeric title={said1(one, one.max)}>
                {said1(one, one.max)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const figure = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 })
function said1({ type }: Column, value: Json): string {
  if (value === null) return '–'
  return typeof value === 'number' && NUMERIC.has(type)
    ? Number.isInteger(value)
      ? count(value)
      : figure.format(value)
    : line(value, type)
}

function Share({ part, whole }: { part: number; whole: number }) {
  if (!part) return <span className="soft">0</span>
  const percent = (part / whole) * 100
  return (
    <>
      {count(part)} <span className="soft">{percent < 0.1 ? '<0.1' : percent.toFixed(percent < 10 ? 1 : 0)} %</span>
    </>
  )
}

/** A histogram of numbers and times, or the commonest values. */
function Spread({ column, rows }: { column: Column; rows: number }) {
  const { histogram, commonest } = column
  if (histogram?.length) return <Histogram column={column} counts={histogram} />
  const shown = commonest.slice(0, 3)
  const sole = shown[0]
  if (!sole) return <span className="soft">–</span>
  if (sole.count === 1) return <span className="soft">{t('results.allDifferent')}</span>
  return (
    <ul className="commonest">
      {shown.map((one, at) => (
        <li key={at} title={line(one.value, column.type)}>
          <span className="commonest-bar" style={{ width: `${(one.count / rows) * 100}%` }} />
          <span className="commonest-value">{line(one.value, column.type) || t('results.emptyText')}</span>
          <span className="soft">{short(one.count)}</span>
        </li>
      ))}
    </ul>
  )
}

/** The values between which a bar counts. */
function edges({ min, max, type }: Column, parts: number, at: number): string {
  const read = (value: Json) =>
    typeof value === 'number' ? value : NUMERIC.has(type) ? Number(value) : Date.parse(String(value))
  const [from, to] = [read(min), read(max)]
  if (parts === 1 || !Number.isFinite(from) || !Number.isFinite(to)) return line(min, type)
  const say = (value: number) => (NUMERIC.has(type) ? figure.format(value) : moment(new Date(value).toISOString()))
  return `${say(from + ((to - from) * at) / parts)} – ${say(from + ((to - from) * (at + 1)) / parts)}`
}

function Histogram({ column, counts }: { column: Column; counts: number[] }) {
  const most = Math.max(...counts)
  const step = WIDTH / counts.length
  const top = counts.indexOf(most)
  return (
    <svg
      className="histogram"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={t('results.histogram', { name: column.name, where: edges(column, counts.length, top), most })}
    >
      {counts.map((one, at) => {
        const height = one ? Math.max(1.5, (one / most) * (HEIGHT - 2)) : 0
        return (
          <g key={at}>
            <title>{`${edges(column, counts.length, at)}: ${count(one)}`}</title>
            <rect className="histogram-place" x={at * step} y={0} width={step} height={HEIGHT} />
            <rect
              className="histogram-bar"
              x={at * step + 0.5}
              y={HEIGHT - height}
              width={Math.max(0.5, step - 1)}
              height={height}
            />
          </g>
        )
      })}
      <line className="histogram-ground" x1={0} x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
    </svg>
  )
}
