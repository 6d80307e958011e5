// The map of the whole flow: drawn on one canvas element, so that thousands of steps cost one picture. A press goes there.
import { Panel, useReactFlow, useStore } from '@xyflow/react'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import type { PointerEvent } from 'react'
import { t } from '../lib/text'
import { absolute, isLoop, sizeOf } from './nest'
import { useFlowPage } from './context'
import { isGroup, isNote } from './notes'
import { useRun } from './run'
import { useDoc } from './store'
import type { StepNode } from './store'
import { bounds } from './view'

const WIDE = 150
const HIGH = 96
const EDGE = 8
/** Above this many steps the map waits until the hand rests. */
const MANY = 2_000
const SETTLED_MS = 120
const BAD = new Set(['failed', 'dead', 'timed_out'])

function themed(changed: () => void) {
  const watcher = new MutationObserver(changed)
  watcher.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => watcher.disconnect()
}

export function Overview() {
  const { types } = useFlowPage()
  const flow = useReactFlow()
  const canvas = useRef<HTMLCanvasElement>(null)
  const nodes = useDoc((state) => state.nodes)
  const run = useRun((state) => state.nodes)
  const [x, y, zoom] = useStore((state) => state.transform)
  const width = useStore((state) => state.width)
  const height = useStore((state) => state.height)
  const theme = useSyncExternalStore(themed, () => document.documentElement.dataset.theme)
  const frame = useRef({ left: 0, top: 0, scale: 1 })

  useEffect(() => {
    let asked = 0
    const draw = () => {
      const brush = canvas.current?.getContext('2d')
      if (!brush || !canvas.current) return
      const sharp = Math.min(2, devicePixelRatio || 1)
      canvas.current.width = WIDE * sharp
      canvas.current.height = HIGH * sharp
      const { left, top, right, bottom } = bounds(nodes)
      const scale = Math.min(
        (WIDE - 2 * EDGE) / Math.max(1, right - left),
        (HIGH - 2 * EDGE) / Math.max(1, bottom - top),
        0.2,
      )
      frame.current = {
        scale,
        left: left - (WIDE / scale - (right - left)) / 2,
        top: top - (HIGH / scale - (bottom - top)) / 2,
      }
      brush.setTransform(
        sharp * scale,
        0,
        0,
        sharp * scale,
        -frame.current.left * sharp * scale,
        -frame.current.top * sharp * scale,
      )
      const look = getComputedStyle(canvas.current)
      const colour = (name: string) => look.getPropertyValue(`--map-${name}`)
      const paint = (name: string, some: StepNode[]) => {
        brush.fillStyle = colour(name)
        for (const node of some) {
          const at = node.parentId ? absolute({ nodes, edges: [] }, node) : node.position
          const size = sizeOf(node)
          brush.fillRect(at.x, at.y, Math.max(size.width, 1.6 / scale), Math.max(size.height, 1.6 / scale))
        }
      }
      const held = nodes.filter((node) => isGroup(node) || isLoop(types, node))
      const large = new Set(held)
      paint('frame', held)
      paint('note', nodes.filter(isNote))
      paint(
        'step',
        nodes.filter((node) => !large.has(node) && !isNote(node)),
      )
      paint(
        'bad',
        nodes.filter((node) => BAD.has(run[node.id]?.status ?? '')),
      )
      paint(
        'chosen',
        nodes.filter((node) => node.selected && !large.has(node)),
      )
      brush.strokeStyle = colour('chosen')
      brush.lineWidth = 1.5 / scale
      brush.strokeRect(-x / zoom, -y / zoom, width / zoom, height / zoom)
    }
    const later = setTimeout(
      () => {
        asked = requestAnimationFrame(draw)
      },
      nodes.length > MANY ? SETTLED_MS : 0,
    )
    return () => {
      clearTimeout(later)
      cancelAnimationFrame(asked)
    }
  }, [nodes, run, types, x, y, zoom, width, height, theme])

  const go = (event: PointerEvent) => {
    if (event.type === 'pointermove' && !event.buttons) return
    const box = event.currentTarget.getBoundingClientRect()
    const { left, top, scale } = frame.current
    void flow.setCenter(left + (event.clientX - box.left) / scale, top + (event.clientY - box.top) / scale, { zoom })
  }
  return (
    <Panel position="bottom-right" className="minimap">
      <canvas ref={canvas} role="img" aria-label={t('flow.map')} onPointerDown={go} onPointerMove={go} />
    </Panel>
  )
}
