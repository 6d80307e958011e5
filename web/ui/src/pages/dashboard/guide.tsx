// The first steps, by what is really there; gone when all are done or somebody wants it so.
import { Check, X } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { useMay } from '../../app/me'
import { t } from '../../lib/text'
import type { Board } from './reads'

const KEY = 'headrace.guide'

export function Guide({ board }: { board: Board }) {
  const [gone, setGone] = useState(localStorage.getItem(KEY) === 'gone')
  const may = useMay('flow:create')
  const scheduled = Boolean(board.next?.length) || board.triggers.some((one) => one.mode === 'time')
  const steps: [word: string, done: boolean, href: string][] = [
    ['connection', board.connections.some((one) => one.created_by), '/connections/new'],
    ['flow', board.own, '/templates'],
    ['run', board.latest.length > 0, '/flows'],
    ['schedule', scheduled, '/triggers/new?mode=time'],
  ]
  const done = steps.filter(([, one]) => one).length
  const now = steps.findIndex(([, one]) => !one)
  if (gone || !may || now < 0) return null
  return (
    <section className="card guide" aria-labelledby="guide">
      <header>
        <h2 id="guide">{t('dashboard.guide')}</h2>
        <span className="soft">{t('dashboard.guide.done', { done, all: steps.length })}</span>
        <button
          type="button"
          className="icon-button"
          aria-label={t('dashboard.guide.close')}
          title={t('dashboard.guide.close')}
          onClick={() => {
            localStorage.setItem(KEY, 'gone')
            setGone(true)
          }}
        >
          <X size={16} />
        </button>
      </header>
      <ol>
        {steps.map(([word, is, href], index) => (
          <li key={word} data-done={is || undefined} data-now={index === now || undefined}>
            <span className="guide-mark">
              {is ? <Check size={14} aria-label={t('dashboard.guide.ready')} /> : index + 1}
            </span>
            <span>
              <strong>{t(`dashboard.guide.${word}`)}</strong>
              <span className="soft">{t(`dashboard.why.${word}`)}</span>
            </span>
            {!is && (
              <Link href={href} className={index === now ? 'button primary' : 'button'}>
                {t(`dashboard.do.${word}`)}
              </Link>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}
