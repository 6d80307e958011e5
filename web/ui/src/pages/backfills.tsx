// Backfills: a flow for each step of a past interval; how far each is, and stopping it.
import { useQuery } from '@tanstack/react-query'
import { Ban, CircleCheck, CirclePause, CircleX, LoaderCircle, Pause, Play, Plus } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { call, listed } from '../api/call'
import { ApiError } from '../api/client'
import { client } from '../api/queries'
import { useAllFlows, useTargets } from '../api/starts'
import type { Target } from '../api/starts'
import type { BackfillOut } from '../api/types.gen'
import { useMay } from '../app/me'
import { useTitle } from '../app/title'
import { useAsked } from '../kit/address'
import { Dialog } from '../kit/dialog'
import { LabelledField } from '../kit/field'
import { Empty, Page, Pages, Trouble, Waiting } from '../kit/parts'
import { fail, say } from '../kit/toasts'
import { moment, since } from '../lib/format'
import { t } from '../lib/text'
import '../styles/sources.css'
import { StartTabs } from './triggers/tabs'

const KEY = ['backfills']
const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, mo: 2_629_800 }
const LOOK = {
  running: ['run', LoaderCircle],
  paused: ['idle', CirclePause],
  completed: ['ok', CircleCheck],
  cancelled: ['warn', Ban],
  failed: ['error', CircleX],
} as const

export default function Backfills() {
  useTitle(t('schedules.backfills'))
  const [page, setPage] = useState(1)
  const [making, setMaking] = useAsked('new')
  const may = useMay('schedule:create')
  const { data, error, refetch } = useQuery({
    queryKey: [...KEY, page],
    queryFn: () => listed('GET /backfills', { query: { page, per_page: 20 } }),
    refetchInterval: 10_000,
  })
  const targets = useTargets()
  const add = may && (
    <button type="button" className="button primary" onClick={() => setMaking('yes')}>
      <Plus size={16} aria-hidden="true" />
      {t('schedules.newBackfill')}
    </button>
  )
  return (
    <Page title={t('schedules.backfills')} text={t('schedules.backfills.text')} actions={add}>
      <StartTabs at="/backfills" />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('schedules.backfills')} />
      ) : data.data.length === 0 ? (
        <Empty title={t('schedules.noBackfills')} text={t('schedules.noBackfills.why')}>
          {add}
        </Empty>
      ) : (
        <ul className="stack">
          {data.data.map((one) => (
            <Card key={one.id} listed={one} target={targets.get(one.flow_id)} />
          ))}
        </ul>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={setPage} />
      {making && may && <NewBackfill onClose={() => setMaking('')} />}
    </Page>
  )
}

function Card({ listed: given, target }: { listed: BackfillOut; target: Target | undefined }) {
  const going = given.status === 'running' || given.status === 'paused'
  const { data: one = given } = useQuery({
    queryKey: [...KEY, 'one', given.id, given.status],
    queryFn: () => call('GET /backfills/{backfill_id}', { path: { backfill_id: given.id } }),
    refetchInterval: going ? 3_000 : false,
  })
  const may = useMay('schedule:update')
  const act = (what: 'pause' | 'resume' | 'cancel', said: string) =>
    void call(`POST /backfills/{backfill_id}/${what}`, { path: { backfill_id: one.id } })
      .then(() => {
        say(said, 'ok')
        return client.invalidateQueries({ queryKey: KEY })
      })
      .catch(fail)
  const from = new Date(one.from_at).getTime()
  const done =
    one.status === 'completed'
      ? 100
      : Math.min(
          100,
          Math.max(
            0,
            Math.round(((new Date(one.next_at).getTime() - from) / (new Date(one.to_at).getTime() - from)) * 100),
          ),
        )
  const [tone, Icon] = LOOK[one.status as keyof typeof LOOK] ?? LOOK.paused
  return (
    <li className="card pane backfill">
      <header className="explorer-plain">
        <h2>
          <Link href={target?.href ?? `/flows/${one.flow_id}`}>{target?.name ?? t('schedules.flow')}</Link>
        </h2>
        <span className="badge" data-tone={tone}>
          <Icon size={13} className={tone === 'run' ? 'spin' : undefined} aria-hidden="true" />
          {t(`schedules.backfill.${one.status}`)}
        </span>
        <span className="grow" />
        {may && one.status === 'running' && (
          <button type="button" className="button" onClick={() => act('pause', t('schedules.backfillPaused'))}>
            <Pause size={14} aria-hidden="true" />
            {t('triggers.pause')}
          </button>
        )}
        {may && one.status === 'paused' && (
          <button type="button" className="button" onClick={() => act('resume', t('schedules.backfillResumed'))}>
            <Play size={14} aria-hidden="true" />
            {t('triggers.resume')}
          </button>
        )}
        {may && going && (
          <button type="button" className="button" onClick={() => act('cancel', t('schedules.backfillCancelled'))}>
            <Ban size={14} aria-hidden="true" />
            {t('schedules.cancelBackfill')}
          </button>
        )}
      </header>
      <p className="soft">
        <time dateTime={one.from_at}>{moment(one.from_at)}</time> –{' '}
        <time dateTime={one.to_at}>{moment(one.to_at)}</time> · {t('schedules.stepOf', { step: one.step })} ·{' '}
        {one.timezone} · {t('schedules.atOnce', { n: one.parallelism })} · {since(one.created_at)}
      </p>
      <div
        className="progress"
        role="progressbar"
        aria-label={t('schedules.progress')}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={done}
      >
        <span style={{ width: `${done}%` }} data-tone={one.failed ? 'warn' : 'ok'} />
      </div>
      <p className="backfill-counts">
        <span>{t('schedules.startedN', { n: one.started })}</span>
        <span>{t('schedules.openN', { n: one.open })}</span>
        <span>{t('schedules.completedN', { n: one.completed })}</span>
        <span data-bad={one.failed > 0 || undefined}>{t('schedules.failedN', { n: one.failed })}</span>
      </p>
      {one.error && <p className="field-error">{one.error}</p>}
    </li>
  )
}

const local = (at: Date) => new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)

function NewBackfill({ onClose }: { onClose: () => void }) {
  const flows = useAllFlows()
  const today = new Date(new Date().setHours(0, 0, 0, 0))
  const [flow, setFlow] = useState('')
  const [from, setFrom] = useState(local(new Date(today.getTime() - 7 * 86_400_000)))
  const [to, setTo] = useState(local(today))
  const [step, setStep] = useState('1d')
  const [zone, setZone] = useState(Intl.DateTimeFormat().resolvedOptions().timeZone)
  const [parallelism, setParallelism] = useState(1)
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const found = /^(\d+)(s|m|h|d|w|mo)$/.exec(step)
  const steps =
    found && Number(found[1])
      ? Math.max(
          0,
          Math.ceil(
            (new Date(to).getTime() - new Date(from).getTime())
              / 1_000
              / (Number(found[1]) * (SECONDS[found[2] ?? ''] ?? 1)),
          ),
        )
      : 0
  const start = async () => {
    if (!flow) return setErrors({ target: t('triggers.noFlow') })
    setBusy(true)
    setErrors({})
    try {
      await call('POST /backfills', {
        body: {
          target: flow,
          from: new Date(from).toISOString(),
          to: new Date(to).toISOString(),
          step,
          timezone: zone,
          parallelism,
        },
      })
      say(t('schedules.backfillStarted'), 'ok')
      await client.invalidateQueries({ queryKey: KEY })
      onClose()
    } catch (error) {
      if (error instanceof ApiError) setErrors(error.fields)
      else fail(error)
    } finally {
      setBusy(false)
    }
  }
  const known = ['target', 'from', 'to', 'step', 'timezone', 'parallelism']
  const general = Object.entries(errors)
    .filter(([path]) => !known.includes(path))
    .map(([, said]) => said)
    .join(' ')
  return (
    <Dialog title={t('schedules.newBackfill')} text={t('schedules.backfills.text')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void start()
        }}
      >
        {general && (
          <div className="notice" data-tone="error" role="alert">
            {general}
          </div>
        )}
        <LabelledField label={t('schedules.flow')} required error={errors.target}>
          {(marks) => (
            <select {...marks} value={flow} onChange={({ target }) => setFlow(target.value)}>
              <option value="">{t('triggers.chooseFlow')}</option>
              {flows.data?.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
          )}
        </LabelledField>
        <div className="pair-fields">
          <LabelledField label={t('schedules.from')} required error={errors.from}>
            {(marks) => (
              <input
                {...marks}
                type="datetime-local"
                required
                value={from}
                onChange={({ target }) => setFrom(target.value)}
              />
            )}
          </LabelledField>
          <LabelledField label={t('schedules.to')} required error={errors.to}>
            {(marks) => (
              <input
                {...marks}
                type="datetime-local"
                required
                value={to}
                onChange={({ target }) => setTo(target.value)}
              />
            )}
          </LabelledField>
        </div>
        <div className="pair-fields">
          <LabelledField label={t('schedules.step')} required error={errors.step} help={t('schedules.step.help')}>
            {(marks) => (
              <input {...marks} required value={step} onChange={({ target }) => setStep(target.value.trim())} />
            )}
          </LabelledField>
          <LabelledField label={t('schedules.parallelism')} error={errors.parallelism}>
            {(marks) => (
              <input
                {...marks}
                type="number"
                min={1}
                max={100}
                value={parallelism}
                onChange={({ target }) => setParallelism(Number(target.value))}
              />
            )}
          </LabelledField>
        </div>
        <LabelledField label={t('schedules.zone')} error={errors.timezone}>
          {(marks) => (
            <>
              <input {...marks} list="zones" value={zone} onChange={({ target }) => setZone(target.value)} />
              <datalist id="zones">
                {Intl.supportedValuesOf('timeZone').map((one) => (
                  <option key={one} value={one} />
                ))}
              </datalist>
            </>
          )}
        </LabelledField>
        {steps > 0 && (
          <p className="soft" role="status">
            {t('schedules.thatIs', { n: steps })}
          </p>
        )}
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {t('schedules.cancel')}
          </button>
          <button className="button primary" disabled={busy}>
            {t('schedules.begin')}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
