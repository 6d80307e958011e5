// The log of an execution: by level, step and words; it follows what is written until somebody scrolls up.
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDownToLine, Copy, Pause } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { LogRow } from '../api/types.gen'
import { copy } from '../kit/copy'
import { Dialog } from '../kit/dialog'
import { Empty, SearchBox, Trouble, Waiting } from '../kit/parts'
import { drawn } from '../lib/drawn'
import { moment } from '../lib/format'
import { t } from '../lib/text'
import { LEVELS, useLines } from './log_lines'
import { useRun } from './run'
import '../styles/results.css'

const LINE_PX = 22
const NEAR_PX = 40
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hour12: false,
})

export function Logs({
  names,
  node = '',
  onNode,
}: {
  names: (id: string) => string
  node?: string
  onNode?: (id: string) => void
}) {
  const execution = useRun((state) => state.execution)
  return execution ? (
    <Lines id={execution.id} names={names} node={node} onNode={onNode} key={execution.id} />
  ) : (
    <Empty title={t('results.noLog')} text={t('results.noLog.why')} />
  )
}

function Lines({
  id,
  names,
  node: given,
  onNode,
}: {
  id: string
  names: (id: string) => string
  node: string
  onNode: ((id: string) => void) | undefined
}) {
  const live = useRun((state) => state.live)
  const steps = useRun((state) => Object.keys(state.nodes).join('\n'))
  const [level, setLevel] = useState('')
  const [own, setOwn] = useState(given)
  const [text, setText] = useState('')
  const [follow, setFollow] = useState(true)
  const [seen, setSeen] = useState(0)
  const [opened, setOpened] = useState<LogRow | null>(null)
  const node = onNode ? given : own
  const words = useDeferred(text)
  const { lines, state, error } = useLines(id, live, { level, node, text: words })
  const box = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
    rangeExtractor: drawn,
    getItemKey: (index) => lines[index]?.id ?? index,
  })
  useEffect(() => {
    if (follow && live && lines.length) {
      rows.scrollToIndex(lines.length - 1, { align: 'end' })
      setSeen(lines.length)
    }
  }, [lines.length, follow, live])
  const scrolled = () => {
    const at = box.current
    if (!at || !live) return
    const end = at.scrollHeight - at.scrollTop - at.clientHeight < NEAR_PX
    if (!end && follow && rows.scrollDirection === 'backward') {
      setFollow(false)
      setSeen(lines.length)
    }
  }
  const fresh = follow ? 0 : Math.max(0, lines.length - seen)
  const filtered = Boolean(level || node || words.trim())
  return (
    <div className="log">
      <div className="log-head">
        <SearchBox label={t('results.searchLog')} value={text} onChange={setText} />
        <label className="row">
          <span className="sr">{t('results.level')}</span>
          <select value={level} onChange={({ target }) => setLevel(target.value)}>
            <option value="">{t('results.everyLevel')}</option>
            {LEVELS.slice(1).map((one) => (
              <option key={one} value={one}>
                {t(`results.from.${one}`)}
              </option>
            ))}
          </select>
        </label>
        <label className="row">
          <span className="sr">{t('results.step')}</span>
          <select value={node} onChange={({ target }) => (onNode ?? setOwn)(target.value)}>
            <option value="">{t('results.everyStep')}</option>
            {steps
              .split('\n')
              .filter(Boolean)
              .map((one) => (
                <option key={one} value={one}>
                  {names(one)}
                </option>
              ))}
          </select>
        </label>
        <span className="grow" />
        <span className="soft log-count" role="status">
          {state === 'loading' && lines.length
            ? t('results.linesSoFar', { n: lines.length })
            : t('results.lines', { n: lines.length })}
        </span>
        {live && (
          <button
            type="button"
            className="button"
            aria-pressed={follow}
            onClick={() => {
              setFollow(!follow)
              setSeen(lines.length)
            }}
          >
            {follow ? <Pause size={14} aria-hidden="true" /> : <ArrowDownToLine size={14} aria-hidden="true" />}
            {follow ? t('results.pause') : fresh ? t('results.followNew', { n: fresh }) : t('results.follow')}
          </button>
        )}
      </div>
      {state === 'full' && <p className="soft log-said">{t('results.linesFull', { n: lines.length })}</p>}
      {error ? (
        <Trouble error={error} />
      ) : state === 'loading' && !lines.length ? (
        <Waiting what={t('results.logWord')} />
      ) : !lines.length ? (
        <Empty
          title={t(filtered ? 'results.noLines' : 'results.nothingLogged')}
          text={t(filtered ? 'results.noLines.why' : 'results.nothingLogged.why')}
        />
      ) : (
        <div
          className="log-lines"
          ref={box}
          tabIndex={0}
          role="log"
          aria-live="off"
          aria-label={t('results.log')}
          onScroll={scrolled}
        >
          <ol style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map((item) => {
              const line = lines[item.index]
              return (
                line && (
                  <li
                    key={item.key}
                    ref={rows.measureElement}
                    data-index={item.index}
                    data-level={line.level}
                    style={{ transform: `translateY(${item.start}px)` }}
                  >
                    <time dateTime={line.created_at} title={moment(line.created_at)}>
                      {clock.format(new Date(line.created_at))}
                    </time>
                    <span className="log-level">{t(`results.level.${line.level}`)}</span>
                    <span className="log-step" title={names(line.node_id)}>
                      {line.node_id && names(line.node_id)}
                    </span>
                    <span className="log-text">
                      {line.message}
                      {Object.keys(line.metadata).length > 0 && (
                        <>
                          {' '}
                          <button type="button" className="link" onClick={() => setOpened(line)}>
                            {t('results.logDetails')}
                          </button>
                        </>
                      )}
                      {line.withheld && (
                        <span className="soft" title={t('results.logWithheld.why')}>
                          {' '}
                          {t('results.logWithheld')}
                        </span>
                      )}
                    </span>
                  </li>
                )
              )
            })}
          </ol>
        </div>
      )}
      {opened && (
        <Dialog title={t('results.logDetails')} text={opened.message} size="large" onClose={() => setOpened(null)}>
          <pre className="cell-view" tabIndex={0} role="region" aria-label={t('results.logDetails')}>
            {detailsOf(opened)}
          </pre>
          <footer className="dialog-foot">
            <button type="button" className="button primary" onClick={() => void copy(detailsOf(opened))}>
              <Copy size={14} aria-hidden="true" />
              {t('results.copy')}
            </button>
          </footer>
        </Dialog>
      )}
    </div>
  )
}

/** What a line says beside its message: the words of the engine or the trace, else its fields. */
const detailsOf = ({ metadata: { detail, ...more } }: LogRow) =>
  [typeof detail === 'string' ? detail.trim() : '', Object.keys(more).length ? JSON.stringify(more, null, 2) : '']
    .filter(Boolean)
    .join('\n\n')

/** The value a moment after the last change to it. */
function useDeferred(value: string): string {
  const [held, setHeld] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setHeld(value), 250)
    return () => clearTimeout(timer)
  }, [value])
  return held
}
