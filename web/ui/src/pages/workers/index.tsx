// Workers and queues: what waits and runs, who works, and what took down its worker too often.
import { CirclePause, CirclePlay, RotateCw, Skull, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { Ask } from '../../kit/ask'
import { TextField } from '../../kit/fields'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { NotYours } from '../../kit/section'
import { LinkTabs } from '../../kit/link-tabs'
import { fail, say } from '../../kit/toasts'
import { count, moment, since, took } from '../../lib/format'
import { known } from '../../lib/known'
import { t } from '../../lib/text'
import '../../styles/admin.css'
import '../../styles/platform.css'
import { useDead, useQueues, useWorkers } from './read'
import type { Dead, Queue, Worker } from './read'

export default function Workers({ tab = '' }: { tab?: string }) {
  useTitle(t('platform.workers'))
  const may = useMay('system:manage')
  const reads = useMay('execution:read')
  const { data: dead } = useDead()
  const tabs = [
    { href: '/workers', word: t('platform.queues') },
    ...(may ? [{ href: '/workers/processes', word: t('platform.processes') }] : []),
    { href: '/workers/dead-letters', word: t('platform.dead'), more: dead?.length ?? 0 },
  ]
  return (
    <Page title={t('platform.workers')} text={t('platform.workers.text')}>
      <LinkTabs label={t('platform.workers')} tabs={tabs} />
      {!reads ? (
        <NotYours permission="execution:read" />
      ) : tab === 'dead-letters' ? (
        <DeadLetters />
      ) : tab === 'processes' ? (
        may ? (
          <Processes />
        ) : (
          <NotYours permission="system:manage" />
        )
      ) : (
        <Queues may={may} />
      )}
    </Page>
  )
}

function Queues({ may }: { may: boolean }) {
  const [pausing, setPausing] = useState<Queue | null>(null)
  const [reason, setReason] = useState('')
  const { data, error, refetch } = useQueues()
  const resume = (one: Queue) =>
    void call('POST /queues/{queue}/resume', { path: { queue: one.queue } })
      .then(async () => {
        await stale('queues')
        say(t('platform.resumed', { name: one.queue }), 'ok')
      })
      .catch(fail)
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('platform.queues')} />
  return (
    <>
      <ul className="cards">
        {data.map((one) => (
          <li key={one.queue} className="card queue">
            <header className="row">
              <h2>{one.queue}</h2>
              <span className="grow" />
              {one.is_paused ? (
                <span className="badge" data-tone="warn">
                  <CirclePause size={14} aria-hidden="true" />
                  {t('platform.paused')}
                </span>
              ) : one.workers ? (
                <span className="badge" data-tone="ok">
                  <CirclePlay size={14} aria-hidden="true" />
                  {t('platform.open')}
                </span>
              ) : (
                <span className="badge" data-tone="error">
                  <CirclePause size={14} aria-hidden="true" />
                  {t('platform.nobody')}
                </span>
              )}
            </header>
            <p className="soft card-text">
              {one.is_paused && one.pause_reason
                ? one.pause_reason
                : known(t(`platform.about.${one.queue.startsWith('label:') ? 'label' : one.queue}`), '')}
            </p>
            <dl className="figures">
              <div>
                <dt>{t('platform.waiting')}</dt>
                <dd>{count(one.depth)}</dd>
              </div>
              <div>
                <dt>{t('platform.running')}</dt>
                <dd>{count(one.running)}</dd>
              </div>
              <div>
                <dt>{t('platform.oldest')}</dt>
                <dd>{one.oldest_age_s === null ? '–' : took(one.oldest_age_s * 1_000)}</dd>
              </div>
              <div>
                <dt>{t('platform.rate')}</dt>
                <dd>{one.throughput_per_minute.toLocaleString(undefined, { maximumFractionDigits: 1 })}</dd>
              </div>
              <div>
                <dt>{t('platform.workers.short')}</dt>
                <dd>{one.workers}</dd>
              </div>
              <div>
                <dt>{t('platform.slots')}</dt>
                <dd>{one.slots}</dd>
              </div>
            </dl>
            {may && (
              <footer>
                {one.is_paused ? (
                  <button
                    type="button"
                    className="button primary"
                    aria-label={t('platform.resumeOf', { name: one.queue })}
                    onClick={() => resume(one)}
                  >
                    {t('platform.resume')}
                  </button>
                ) : (
                  <button
                    type="button"
                    className="button"
                    aria-label={t('platform.pauseOf', { name: one.queue })}
                    onClick={() => {
                      setReason('')
                      setPausing(one)
                    }}
                  >
                    {t('platform.pause')}
                  </button>
                )}
              </footer>
            )}
          </li>
        ))}
      </ul>
      {pausing && (
        <Ask
          safe
          title={t('platform.pause.title', { name: pausing.queue })}
          text={t('platform.pause.text')}
          word={t('platform.pause')}
          onClose={() => setPausing(null)}
          onAct={() =>
            call('POST /queues/{queue}/pause', { path: { queue: pausing.queue }, body: { reason } }).then(() =>
              stale('queues'),
            )
          }
        >
          <TextField
            label={t('editions.reason')}
            value={reason}
            onChange={setReason}
            maxLength={500}
            autoComplete="off"
          />
        </Ask>
      )}
    </>
  )
}

function Processes() {
  const [draining, setDraining] = useState<Worker | null>(null)
  const { data, error, refetch } = useWorkers()
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('platform.processes')} />
  const newest = data.filter((one) => one.is_alive).at(-1)?.plugin_set_hash
  if (!data.length) return <Empty title={t('platform.noWorkers')} text={t('platform.noWorkers.text')} />
  return (
    <div className="card section">
      <ul className="lines">
        {data.map((one) => {
          const [tone, word] = !one.is_alive
            ? ['error', t('platform.silent', { when: since(one.heartbeat_at) })]
            : one.is_draining || one.drain_requested_at
              ? ['warn', t('platform.draining')]
              : ['ok', t('platform.busy', { busy: one.busy, slots: one.slots })]
          return (
            <li key={one.id}>
              <span className="line-icon" data-tone={tone}>
                <RotateCw size={17} className={one.busy ? 'spin' : undefined} aria-hidden="true" />
              </span>
              <span className="line-text">
                <strong>
                  {one.hostname} <code className="soft">{one.pid}</code>
                </strong>
                <span className="soft">
                  {one.queues.join(', ')} · {one.version} · {t('platform.since', { when: since(one.started_at) })}
                </span>
              </span>
              {one.is_alive && one.plugin_set_hash !== newest && (
                <span className="badge" data-tone="warn">
                  {t('platform.otherPlugins')}
                </span>
              )}
              <span className="badge" data-tone={tone}>
                {word}
              </span>
              {one.is_alive && !one.drain_requested_at && (
                <button
                  type="button"
                  className="button"
                  aria-label={t('platform.drainOf', { name: `${one.hostname} ${one.pid}` })}
                  onClick={() => setDraining(one)}
                >
                  {t('platform.drain')}
                </button>
              )}
            </li>
          )
        })}
      </ul>
      {draining && (
        <Ask
          title={t('platform.drain.title', { name: draining.hostname })}
          text={t('platform.drain.text')}
          word={t('platform.drain')}
          onClose={() => setDraining(null)}
          onAct={() =>
            call('POST /workers/{worker_id}/drain', { path: { worker_id: draining.id } }).then(() => stale('workers'))
          }
        />
      )}
    </div>
  )
}

function DeadLetters() {
  const may = useMay('execution:retry')
  const { data, error, refetch } = useDead()
  const act = (one: Dead, work: Promise<unknown>, said: string) =>
    void work
      .then(async () => {
        await stale('dead', 'executions')
        say(said, 'ok')
      })
      .catch(fail)
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('platform.dead')} />
  if (!data.length)
    return (
      <div className="card">
        <Empty title={t('platform.noDead')} text={t('platform.noDead.text')} />
      </div>
    )
  return (
    <div className="card section">
      <ul className="lines">
        {data.map((one) => (
          <li key={one.execution_id}>
            <span className="line-icon" data-tone="error">
              <Skull size={17} aria-hidden="true" />
            </span>
            <span className="line-text">
              <Link href={`/executions/${one.execution_id}`}>{one.node_ids.join(', ')}</Link>
              <span>{one.reason}</span>
              {one.hint && <span className="soft">{one.hint}</span>}
              <span className="soft" title={moment(one.finished_at)}>
                {t('platform.crashed', { n: one.crash_count, queue: one.queue, when: since(one.finished_at) })}
              </span>
            </span>
            {may && (
              <>
                <button
                  type="button"
                  className="button"
                  onClick={() =>
                    act(
                      one,
                      call('POST /queues/dead-letters/{execution_id}/retry', {
                        path: { execution_id: one.execution_id },
                      }),
                      t('platform.retried'),
                    )
                  }
                >
                  <RotateCw size={15} aria-hidden="true" />
                  {t('platform.retry')}
                </button>
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t('platform.discard')}
                  title={t('platform.discard')}
                  onClick={() =>
                    act(
                      one,
                      call('POST /queues/dead-letters/{execution_id}/discard', {
                        path: { execution_id: one.execution_id },
                      }),
                      t('platform.discarded'),
                    )
                  }
                >
                  <Trash2 size={15} />
                </button>
              </>
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}
