// When each step worked: tries, waiting and retries over the time of the whole; live while it executes.
import { useQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Maximize, ZoomIn, ZoomOut } from 'lucide-react'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { call } from '../api/call'
import { StateIcon } from '../kit/icon'
import { Empty } from '../kit/parts'
import { drawn } from '../lib/drawn'
import { count, took } from '../lib/format'
import { t } from '../lib/text'
import { marks, tracks } from './intervals'
import type { Track } from './intervals'
import { useRun } from './run'
import type { Live } from './run'
import '../styles/results.css'

const ROW_PX = 28
const TOOK_PX = 74
const BEAT_MS = 250
const MOST_ZOOM = 4_000
const exact = new Intl.DateTimeFormat(undefined, {
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
})

/** The time as it passes, while something does. */
function useNow(live: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!live) return
    const beat = setInterval(() => setNow(Date.now()), BEAT_MS)
    return () => clearInterval(beat)
  }, [live])
  return now
}

function useTracks() {
  const execution = useRun((state) => state.execution)
  const nodes = useRun((state) => state.nodes)
  const live = useRun((state) => state.live)
  const now = useNow(live)
  const stamp = Object.values(nodes)
    .map((node) => `${node.status}${node.attempt ?? ''}`)
    .join()
  const { data: attempts } = useQuery({
    queryKey: ['attempts', execution?.id, stamp],
    enabled: Boolean(execution),
    placeholderData: (before) => before,
    queryFn: () => call('GET /executions/{execution_id}/attempts', { path: { execution_id: execution?.id ?? '' } }),
  })
  return useMemo(
    () => ({ execution, nodes, found: tracks(nodes, attempts ?? [], now) }),
    [execution, nodes, attempts, live ? now : 0],
  )
}

export function Timeline({
  names,
  chosen,
  choose,
}: {
  names: (id: string) => string
  chosen?: string
  choose?: (id: string) => void
}) {
  const { execution, nodes, found } = useTracks()
  const [zoom, setZoom] = useState(1)
  const [wide, setWide] = useState(0)
  const [hovered, setHovered] = useState('')
  const box = useRef<HTMLDivElement>(null)
  const namesPx = wide < 560 ? 104 : 190
  useLayoutEffect(() => {
    if (!box.current) return
    const watch = new ResizeObserver(([entry]) => {
      if (entry) setWide(entry.contentRect.width)
    })
    watch.observe(box.current)
    return () => watch.disconnect()
  }, [found.length > 0])
  const rows = useVirtualizer({
    count: found.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    rangeExtractor: drawn,
    scrollPaddingStart: ROW_PX,
  })
  const room = Math.max(80, wide - namesPx - TOOK_PX)
  const track = room * zoom
  const around = useRef<{ share: number; x: number } | null>(null)
  const zoomTo = (wanted: number, x = room / 2) => {
    const next = Math.max(1, Math.min(MOST_ZOOM, wanted))
    around.current = { share: ((box.current?.scrollLeft ?? 0) + x) / track, x }
    setZoom(next)
  }
  useLayoutEffect(() => {
    if (box.current && around.current) box.current.scrollLeft = around.current.share * track - around.current.x
    around.current = null
  }, [zoom])
  useEffect(() => {
    const at = box.current
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      zoomTo(
        zoom * Math.exp(-event.deltaY / 300),
        Math.max(0, event.clientX - (at?.getBoundingClientRect().left ?? 0) - namesPx),
      )
    }
    at?.addEventListener('wheel', wheel, { passive: false })
    return () => at?.removeEventListener('wheel', wheel)
  })
  if (!execution || !found.length) return <Empty title={t('results.nothingRan')} text={t('results.nothingRan.why')} />
  const begin = Math.min(...found.map((one) => one.from))
  const end = Math.max(begin + 1, ...found.map((one) => one.to))
  const px = track / (end - begin)
  const scale = marks(begin, end, Math.max(2, track / 90))
  const shown = found.find((one) => one.id === (hovered || chosen))
  return (
    <div className="gantt">
      <div className="gantt-head">
        <Legend found={found} />
        <span className="grow" />
        {shown && <Times track={shown} name={names(shown.id)} node={nodes[shown.id]} />}
        <span className="row gantt-zoom" role="group" aria-label={t('results.zoom')}>
          <button
            type="button"
            className="icon-button"
            aria-label={t('results.zoomOut')}
            disabled={zoom <= 1}
            onClick={() => zoomTo(zoom / 1.6)}
          >
            <ZoomOut size={15} />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={t('results.zoomIn')}
            disabled={zoom >= MOST_ZOOM}
            onClick={() => zoomTo(zoom * 1.6)}
          >
            <ZoomIn size={15} />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={t('results.zoomFit')}
            disabled={zoom <= 1}
            onClick={() => setZoom(1)}
          >
            <Maximize size={14} />
          </button>
        </span>
      </div>
      <div
        className="gantt-scroll"
        ref={box}
        data-begin={begin}
        data-end={end}
        role="region"
        aria-label={t('results.timeline')}
        tabIndex={0}
      >
        <div className="gantt-inside" style={{ width: namesPx + track + TOOK_PX }}>
          <div className="gantt-axis" aria-hidden="true" style={{ paddingLeft: namesPx }}>
            {scale.map((mark) => (
              <span key={mark} style={{ left: namesPx + mark * px }}>
                {mark ? `+${took(mark)}` : '0'}
              </span>
            ))}
          </div>
          <ol style={{ height: rows.getTotalSize() }} aria-label={t('results.timeline')}>
            {rows.getVirtualItems().map((item) => {
              const one = found[item.index]
              return (
                one && (
                  <li
                    key={one.id}
                    style={{ top: item.start }}
                    data-step={one.id}
                    data-chosen={one.id === chosen || undefined}
                    onPointerEnter={() => setHovered(one.id)}
                    onPointerLeave={() => setHovered('')}
                  >
                    <button
                      type="button"
                      className="gantt-name"
                      style={{ width: namesPx }}
                      aria-pressed={choose ? one.id === chosen : undefined}
                      title={names(one.id)}
                      onFocus={() => setHovered(one.id)}
                      onBlur={() => setHovered('')}
                      onClick={() => choose?.(one.id)}
                    >
                      <StateIcon name={one.status} />
                      <span>{names(one.id)}</span>
                      <span className="sr">{told(one)}</span>
                    </button>
                    <span className="gantt-track" aria-hidden="true" style={{ width: track }}>
                      {one.parts.map((part, at) => (
                        <span
                          key={at}
                          className="gantt-part"
                          data-kind={part.kind}
                          data-status={part.status}
                          data-attempt={part.attempt}
                          style={{ left: (part.from - begin) * px, width: (part.to - part.from) * px }}
                        />
                      ))}
                    </span>
                    <span className="gantt-took" style={{ width: TOOK_PX }}>
                      {lasted(one, nodes[one.id])}
                    </span>
                  </li>
                )
              )
            })}
          </ol>
        </div>
      </div>
    </div>
  )
}

const spent = (track: Track, kind: string) =>
  track.parts.filter((part) => part.kind === kind).reduce((all, part) => all + part.to - part.from, 0)

/** How long it took: as recorded, or from its first try to its end. */
function lasted(track: Track, node: Live | undefined): string {
  if (node?.cache_hit) return t('results.reused')
  const recorded = node?.duration_ms
  return took(
    track.parts.length === 1 && recorded !== null && recorded !== undefined ? recorded : track.to - track.from,
  )
}

/** What a track says, in words. */
function told(track: Track): string {
  const tries = track.parts.filter((part) => part.kind === 'tried').length + 1
  return [
    t('results.fromTo', { from: exact.format(track.from), to: track.open ? t('results.now') : exact.format(track.to) }),
    tries > 1 ? t('results.tries', { n: tries }) : '',
    spent(track, 'waits') ? t('results.waited', { time: took(spent(track, 'waits')) }) : '',
    spent(track, 'retries') ? t('results.paused', { time: took(spent(track, 'retries')) }) : '',
  ]
    .filter(Boolean)
    .join(', ')
}

function Times({ track, name, node }: { track: Track; name: string; node: Live | undefined }) {
  const rows = node?.rows_out ?? null
  return (
    <p className="gantt-times" role="status">
      <strong>{name}</strong> <span>{lasted(track, node)}</span>{' '}
      <span className="soft">
        {told(track)}
        {rows === null ? '' : `, ${t('results.rowsOut', { rows: count(rows), n: rows })}`}
      </span>
    </p>
  )
}

function Legend({ found }: { found: Track[] }) {
  const kinds = new Set(found.flatMap((one) => one.parts.map((part) => part.kind)))
  const shown = (['work', 'tried', 'waits', 'retries'] as const).filter((kind) => kinds.has(kind))
  return shown.length < 2 ? null : (
    <ul className="gantt-legend">
      {shown.map((kind) => (
        <li key={kind}>
          <span className="gantt-part" data-kind={kind} data-status="completed" aria-hidden="true" />
          {t(`results.legend.${kind}`)}
        </li>
      ))}
    </ul>
  )
}
