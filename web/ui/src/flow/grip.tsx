// The edge between canvas and settings: dragged, or moved by arrow keys; the width is remembered.
import { create } from 'zustand'
import type { KeyboardEvent, PointerEvent } from 'react'
import { t } from '../lib/text'

const KEY = 'headrace.settings.width'
const USUAL = 372
const LEAST = 300
const MOST = 760
const fitting = (width: number) => Math.round(Math.min(MOST, Math.max(LEAST, Math.min(width, innerWidth * 0.6))))
export const useWidth = create<{ width: number }>(() => ({
  width: fitting(Number(localStorage.getItem(KEY)) || USUAL),
}))

const mirrored = () => document.documentElement.dir === 'rtl'

function set(width: number) {
  useWidth.setState({ width: fitting(width) })
  localStorage.setItem(KEY, String(fitting(width)))
}

export function Grip() {
  const width = useWidth((state) => state.width)
  const grab = (event: PointerEvent<HTMLDivElement>) => event.currentTarget.setPointerCapture(event.pointerId)
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (event.currentTarget.hasPointerCapture(event.pointerId))
      set(mirrored() ? event.clientX : innerWidth - event.clientX)
  }
  const key = (event: KeyboardEvent) => {
    const by = { ArrowLeft: 20, ArrowRight: -20 }[event.key]
    if (by) {
      event.preventDefault()
      set(mirrored() ? width - by : width + by)
    }
  }
  return (
    <div
      className="settings-grip"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={t('flow.settings.width')}
      aria-valuenow={width}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      onPointerDown={grab}
      onPointerMove={drag}
      onDoubleClick={() => set(USUAL)}
      onKeyDown={key}
    />
  )
}
