// A flow as a small drawing: a tile for each step, lines between them.
import { t } from '../lib/text'
import { iconOf } from './tile'

export type Drawn = {
  steps: { id: string; label: string; kind: string; icon: string; x: number; y: number }[]
  edges: [string, string][]
}
const TILE = 52
const ICON = 26
const LEAST = 120
const FLAT = 0.62

export function Diagram({ steps, edges }: Drawn) {
  const places = new Map(steps.map((step) => [step.id, { x: step.x * FLAT, y: step.y }]))
  const all = [...places.values()]
  const left = Math.min(...all.map(({ x }) => x))
  const top = Math.min(...all.map(({ y }) => y))
  const width = Math.max(...all.map(({ x }) => x)) - left + TILE
  const height = Math.max(...all.map(({ y }) => y)) - top + TILE
  const pad = 14
  const spare = Math.max(0, LEAST - height) / 2
  return (
    <svg
      className="diagram"
      viewBox={`${left - pad} ${top - pad - spare} ${width + 2 * pad} ${height + 2 * (pad + spare)}`}
      role="img"
      aria-label={t('work.diagram', { n: steps.length, steps: steps.map(({ label }) => label).join(', ') })}
    >
      {edges.map(([from, to]) => {
        const a = places.get(from)
        const b = places.get(to)
        if (!a || !b) return null
        const [x1, y1, x2, y2] = [a.x + TILE, a.y + TILE / 2, b.x, b.y + TILE / 2]
        const bend = Math.max(24, (x2 - x1) / 2)
        return (
          <path
            key={`${from}-${to}`}
            className="diagram-line"
            d={`M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
          />
        )
      })}
      {steps.map(({ id, label, kind, icon }) => {
        const at = places.get(id)
        const Icon = iconOf(icon)
        return (
          at && (
            <g key={id} className="diagram-tile" data-kind={kind}>
              <title>{label}</title>
              <rect x={at.x} y={at.y} width={TILE} height={TILE} rx="12" />
              {Icon && <Icon x={at.x + (TILE - ICON) / 2} y={at.y + (TILE - ICON) / 2} width={ICON} height={ICON} />}
            </g>
          )
        )
      })}
    </svg>
  )
}
