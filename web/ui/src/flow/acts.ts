// What commands, the palette and lists ask of the canvas; the canvas fills it in while it is shown.
import type { Point } from './graph'

type Acts = {
  tidy: () => void
  fit: () => void
  reset: () => void
  zoom: (by: number) => void
  center: () => Point
  reveal: (id: string, ifHidden?: boolean) => void
  walk: (x: number, y: number) => void
}
const NONE: Acts = {
  tidy: () => undefined,
  fit: () => undefined,
  reset: () => undefined,
  zoom: () => undefined,
  center: () => ({ x: 0, y: 0 }),
  reveal: () => undefined,
  walk: () => undefined,
}
export const acts: Acts = { ...NONE }

/** The canvas is there, until what is answered is called. */
export function offer(some: Partial<Acts>): () => void {
  Object.assign(acts, some)
  return () => {
    Object.assign(acts, NONE)
  }
}

/** Give a step the focus as soon as it is on the canvas and no dialog holds the focus any more. */
export function focusStep(id: string, left = 30) {
  requestAnimationFrame(() => {
    const step = document.querySelector<HTMLElement>(
      `.react-flow__node[data-id="${CSS.escape(id)}"], .outline [data-step="${CSS.escape(id)}"]`,
    )
    if (step && !document.querySelector('.dialog, .menu'))
      step.focus({ preventScroll: Boolean(step.closest('.react-flow')) })
    if (document.activeElement !== step && left > 0) focusStep(id, left - 1)
  })
}
