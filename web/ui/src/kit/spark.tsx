// Bars over a time, one on the other by outcome; as SVG, without a library.
import { hour } from '../lib/format'
import { t } from '../lib/text'

export type Slot = { at: string; completed: number; failed: number; cancelled: number; open: number; rows: number }
const PARTS = ['completed', 'open', 'cancelled', 'failed'] as const
const HEIGHT = 44
const GAP = 1.5
const total = (slot: Slot) => PARTS.reduce((sum, part) => sum + slot[part], 0)

type Props = {
  slots: Slot[]
  label: string
  onPick?: (slot: number) => void
  picked?: number
  name?: (slot: Slot) => string
}

export function Spark({ slots, label, onPick, picked = -1, name = (slot) => hour(slot.at) }: Props) {
  const most = Math.max(1, ...slots.map(total))
  const wide = 100 / slots.length
  const said = (slot: Slot) =>
    `${name(slot)}: ${t('work.bars', { completed: slot.completed, failed: slot.failed, other: slot.open + slot.cancelled })}`
  const drawn = slots.map((slot, index) => {
    let top = HEIGHT
    return PARTS.map((part) => {
      const height = (slot[part] / most) * (HEIGHT - 4)
      top -= height
      return (
        height > 0 && (
          <rect
            key={part}
            className="spark-bar"
            data-part={part}
            x={index * wide + GAP / 4}
            width={wide - GAP / 2}
            y={top}
            height={Math.max(height, 1.5)}
          />
        )
      )
    })
  })
  return (
    <div className="spark" data-picks={onPick ? true : undefined}>
      <svg
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        {...(onPick
          ? { 'aria-hidden': true }
          : { role: 'img', 'aria-label': `${label}: ${t('work.bars', sums(slots))}` })}
      >
        <line className="spark-line" x1="0" x2="100" y1={HEIGHT} y2={HEIGHT} />
        {drawn}
      </svg>
      {onPick && (
        <div className="spark-slots" role="group" aria-label={label}>
          {slots.map((slot, index) => (
            <button
              key={slot.at}
              type="button"
              aria-pressed={index === picked}
              aria-label={said(slot)}
              title={said(slot)}
              disabled={total(slot) === 0 && index !== picked}
              onClick={() => onPick(index)}
            />
          ))}
        </div>
      )}
    </div>
  )
}

const sums = (slots: Slot[]) => ({
  completed: slots.reduce((sum, one) => sum + one.completed, 0),
  failed: slots.reduce((sum, one) => sum + one.failed, 0),
  other: slots.reduce((sum, one) => sum + one.open + one.cancelled, 0),
})
