// The start page: what needs attention, what ran, what comes next; and a way in for whoever is new.
import { LibraryBig, Plus } from 'lucide-react'
import { Suspense, lazy } from 'react'
import { Link } from 'wouter'
import { useMay, useMe } from '../app/me'
import { useTitle } from '../app/title'
import { State } from '../kit/icon'
import { Empty, Page, Trouble, Waiting } from '../kit/parts'
import { Spark } from '../kit/spark'
import { count, due, moment, percent, short, since, took } from '../lib/format'
import { rest, t } from '../lib/text'
import { Attention } from './dashboard/attention'
import { Guide } from './dashboard/guide'
import { useDashboard } from './dashboard/reads'
import type { Board } from './dashboard/reads'
import '../styles/dashboard.css'

const Starters = lazy(() => Promise.all([import('./dashboard/starters'), rest()]).then(([all]) => all))

export default function Dashboard() {
  useTitle(t('places.dashboard'))
  const me = useMe()
  const may = useMay('flow:create')
  const board = useDashboard()
  const actions = (
    <>
      <Link href="/templates" className="button">
        <LibraryBig size={16} aria-hidden="true" />
        {t('dashboard.fromTemplate')}
      </Link>
      <Link href="/flows?new" className="button primary">
        <Plus size={16} aria-hidden="true" />
        {t('app.command.newFlow')}
      </Link>
    </>
  )
  return (
    <Page
      title={t('places.dashboard')}
      text={me ? t('dashboard.about', { organization: me.organization.name }) : ''}
      actions={may && actions}
    >
      {board.error ? (
        <Trouble error={board.error} again={board.again} />
      ) : !board.ready ? (
        <Waiting what={t('places.dashboard')} />
      ) : (
        <div className="board">
          <Guide board={board} />
          {may && !board.own && (
            <Suspense fallback={null}>
              <Starters />
            </Suspense>
          )}
          <Counts board={board} />
          <div className="board-columns">
            <div className="board-main">
              <Attention board={board} />
              <Latest board={board} />
            </div>
            <Next board={board} />
          </div>
        </div>
      )}
    </Page>
  )
}

function Counts({ board: { slots } }: { board: Board }) {
  const sum = (part: 'completed' | 'failed' | 'cancelled' | 'open' | 'rows') =>
    slots.reduce((all, slot) => all + slot[part], 0)
  const ended = sum('completed') + sum('failed')
  const facts: [string, string][] = [
    [t('dashboard.executions'), count(ended + sum('cancelled') + sum('open'))],
    [t('dashboard.success'), ended ? percent(sum('completed') / ended) : '–'],
    [t('dashboard.rows'), short(sum('rows'))],
    [t('dashboard.open'), count(sum('open'))],
  ]
  return (
    <section className="card counts" aria-label={t('dashboard.lastDay')}>
      <dl>
        {facts.map(([word, value]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <figure>
        <Spark slots={slots} label={t('dashboard.lastDay')} />
        <figcaption className="soft">{t('dashboard.lastDay')}</figcaption>
      </figure>
    </section>
  )
}

function Latest({ board: { latest, names } }: { board: Board }) {
  return (
    <section className="card board-list" aria-labelledby="latest">
      <header>
        <h2 id="latest">{t('dashboard.latest')}</h2>
        <Link href="/executions">{t('dashboard.all')}</Link>
      </header>
      {latest.length === 0 ? (
        <Empty title={t('executions.none')} text={t('executions.none.why')} />
      ) : (
        <ul>
          {latest.map((one) => (
            <li key={one.id}>
              <Link href={`/executions/${one.id}`} className="board-row">
                <span className="board-name">{names.get(one.flow_id) ?? t('executions.deleted')}</span>
                <State name={one.held ? 'held' : one.status} />
                <time className="soft" dateTime={one.queued_at} title={moment(one.queued_at)}>
                  {since(one.queued_at)}
                </time>
                <span className="soft board-took">{one.duration_ms === null ? '–' : took(one.duration_ms)}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Next({ board: { next, names } }: { board: Board }) {
  return (
    <section className="card board-list" aria-labelledby="next">
      <header>
        <h2 id="next">{t('dashboard.next')}</h2>
        {next && <Link href="/triggers">{t('dashboard.all')}</Link>}
      </header>
      {!next ? (
        <p className="soft pad">{t('dashboard.next.denied')}</p>
      ) : next.length === 0 ? (
        <Empty title={t('dashboard.next.none')} text={t('dashboard.next.none.why')} />
      ) : (
        <ul>
          {next.map((one) => (
            <li key={one.id}>
              <Link href={`/flows/${one.flow_id}`} className="board-row board-next">
                <span className="board-name">{names.get(one.flow_id) ?? one.name}</span>
                {one.next_run_at && (
                  <time className="soft" dateTime={one.next_run_at} title={since(one.next_run_at)}>
                    {due(one.next_run_at)}
                  </time>
                )}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
