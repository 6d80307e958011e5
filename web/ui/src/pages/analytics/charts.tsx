// Shapes drawn as SVG: a ring of parts, a bar of parts, a span with its middle.
import { count, took } from '../../lib/format'
import { t } from '../../lib/text'

export type Part = { word: string; value: number; tone: string }
const RADIUS = 54
const ROUND = 2 * Math.PI * RADIUS

export function Donut({ parts, total }: { parts: Part[]; total: number }) {
  const shown = parts.filter(({ value }) => value > 0)
  let done = 0
  const said = shown.map((part) => `${part.word} ${count(part.value)}`).join(', ')
  return (
    <div className="donut">
      <svg viewBox="0 0 140 140" role="img" aria-label={said}>
        <circle cx="70" cy="70" r={RADIUS} className="donut-back" />
        {shown.map((part) => {
          const length = (part.value / total) * ROUND
          const gap = shown.length > 1 ? 2 : 0
          const circle = (
            <circle
              key={part.word}
              cx="70"
              cy="70"
              r={RADIUS}
              data-tone={part.tone}
              strokeDasharray={`${Math.max(1, length - gap)} ${ROUND}`}
              strokeDashoffset={-done}
              transform="rotate(-90 70 70)"
            />
          )
          done += length
          return circle
        })}
        <text x="70" y="72" className="donut-sum">
          {count(total)}
        </text>
        <text x="70" y="88" className="donut-word">
          {t('analytics.executions')}
        </text>
      </svg>
      <ul>
        {parts.map((part) => (
          <li key={part.word}>
            <span className="swatch" data-tone={part.tone} aria-hidden="true" />
            {part.word}
            <b>{count(part.value)}</b>
          </li>
        ))}
      </ul>
    </div>
  )
}

export function Parts({ label, parts, most }: { label: string; parts: Part[]; most: number }) {
  let at = 0
  return (
    <svg
      className="bar"
      viewBox="0 0 100 10"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: ${parts.map((part) => `${part.word} ${count(part.value)}`).join(', ')}`}
    >
      <rect className="bar-back" width="100" height="10" />
      {parts.map((part) => {
        const width = (part.value / most) * 100
        const rect = <rect key={part.word} x={at} width={width} height="10" data-tone={part.tone} />
        at += width
        return rect
      })}
    </svg>
  )
}

/** From the quickest tenth to the slowest twentieth, with the middle. */
export function Span({
  label,
  low,
  middle,
  high,
  most,
}: {
  label: string
  low: number
  middle: number
  high: number
  most: number
}) {
  const place = (ms: number) => (ms / most) * 100
  return (
    <svg
      className="bar"
      viewBox="0 0 100 10"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: ${took(low)} – ${took(middle)} – ${took(high)}`}
    >
      <rect className="bar-back" y="4" width="100" height="2" />
      <rect className="bar-span" x={place(low)} y="1" width={Math.max(0.6, place(high) - place(low))} height="8" />
      <rect className="bar-middle" x={Math.min(99.2, place(middle))} width="0.8" height="10" />
    </svg>
  )
}
