// A flow as a small drawing: a tile for each step, lines between them.
import { t } from '../lib/text'

export type Drawn = { steps: { id: string; label: string; kind: string; x: number; y: number }[]; edges: [string, string][] }
const TILE = 52
const FLAT = 0.62

export function Diagram({ steps, edges }: Drawn) {
  const places = new Map(steps.map((step) => [step.id, { x: step.x * FLAT, y: step.y }]))
  const all = [...places.values()]
  const left = Math.min(...all.map(({ x }) => x))
  const top = Math.min(...all.map(({ y }) => y))
  const width = Math.max(...all.map(({ x }) => x)) - left + TILE
  const height = Math.max(...all.map(({ y }) => y)) - top + TILE
  const pad = 14
  return (
    <svg className="diagram" viewBox={`${left - pad} ${top - pad} ${width + 2 * pad} ${Math.max(height, 120) + 2 * pad}`} role="img" aria-label={t('work.diagram', { n: steps.length, steps: steps.map(({ label }) => label).join(', ') })}>
      {edges.map(([from, to]) => {
        const a = places.get(from)
        const b = places.get(to)
        if (!a || !b) return null
        const [x1, y1, x2, y2] = [a.x + TILE, a.y + TILE / 2, b.x, b.y + TILE / 2]
        const bend = Math.max(24, (x2 - x1) / 2)
        return <path key={`${from}-${to}`} className="diagram-line" d={`M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`} />
      })}
      {steps.map((step) => { const at = places.get(step.id); return at && <rect key={step.id} className="diagram-tile" data-kind={step.kind} x={at.x} y={at.y} width={TILE} height={TILE} rx="12"><title>{step.label}</title></rect> })}
    </svg>
  )
}
