// One job or package: its members and their order, when it is executed, and its executions.
import { useQuery } from '@tanstack/react-query'
import { Play, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { call } from '../../api/call'
import { ApiError } from '../../api/client'
import { client, gone, useExecutions } from '../../api/queries'
import { useFlowNames, useJobs } from '../../api/starts'
import type { JobOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { Dialog } from '../../kit/dialog'
import { useBase } from '../../kit/base'
import { LabelledField } from '../../kit/field'
import { State } from '../../kit/icon'
import { LinkTabs } from '../../kit/link-tabs'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { fail, say } from '../../kit/toasts'
import { moment, since, took } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { cronWords } from '../schedules/words'
import { Graph } from './graph'
import { useStart } from './list'
import { Members } from './members'
import type { Draft } from './members'

type Kind = 'job' | 'package'
const PLACE = { job: '/jobs', package: '/job-packages' }

export const NewJob = () => <Form kind="job" />
export const NewPackage = () => <Form kind="package" />
export const JobPage = ({ id }: { id: string }) => <Stored kind="job" id={id} />
export const PackagePage = ({ id }: { id: string }) => <Stored kind="package" id={id} />

function Stored({ kind, id }: { kind: Kind; id: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['jobs', 'one', id],
    staleTime: 0,
    queryFn: () =>
      kind === 'job'
        ? call('GET /jobs/{job_id}', { path: { job_id: id } })
        : call('GET /job-packages/{package_id}', { path: { package_id: id } }),
  })
  const [round, setRound] = useState(0)
  const title = data?.name ?? t(`jobs.one.${kind}`)
  if (error)
    return (
      <Page title={title}>
        <Trouble error={error} again={() => void refetch()} />
        <Link href={PLACE[kind]} className="button">
          {t('jobs.jobs')}
        </Link>
      </Page>
    )
  if (!data)
    return (
      <Page title={title}>
        <Waiting what={title} />
      </Page>
    )
  return <Form key={round} kind={kind} stored={data} onSaved={() => setRound(round + 1)} />
}

function Form({ kind, stored, onSaved }: { kind: Kind; stored?: JobOut; onSaved?: () => void }) {
  const job = kind === 'job'
  const title = stored?.name ?? (job ? t('jobs.new') : t('jobs.newPackage'))
  useTitle(title)
  const [, go] = useLocation()
  const [tab] = useAsked('tab')
  const [dropping, setDropping] = useState(false)
  const [name, setName] = useState(stored?.name ?? '')
  const [description, setDescription] = useState(stored?.description ?? '')
  const [members, setMembers] = useState<Draft[]>(
    () => (job ? stored?.flows : stored?.job_ids.map((flow_id) => ({ flow_id, depends_on: [] }))) ?? [],
  )
  const [onFailure, setOnFailure] = useState(stored?.on_failure ?? 'stop')
  const [when, setWhen] = useState(stored?.schedule_type ?? 'manual')
  const [cron, setCron] = useState(stored?.cron_expression ?? '')
  const [zone, setZone] = useState(stored?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone)
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const version = useBase(stored, ({ updated_at: _at, row_version: _version, ...own }) => own)
  const flows = useFlowNames()
  const jobs = useJobs()
  const names = job ? flows : new Map(jobs.data?.map((one) => [one.id, one.name]))
  const may = useMay(stored ? 'job:update' : 'job:create')
  const mayDelete = useMay('job:delete')
  const mayRun = useMay('job:execute')
  const start = useStart(kind)
  const place = stored ? `${PLACE[kind]}/${stored.id}` : ''
  const drawn = members.map((one, at) => ({
    id: one.flow_id,
    name: names.get(one.flow_id) ?? t('jobs.gone'),
    after: job ? one.depends_on : at > 0 ? [members[at - 1]?.flow_id ?? ''] : [],
  }))
  const save = async () => {
    setBusy(true)
    setErrors({})
    const plan = {
      name,
      description,
      on_failure: onFailure as 'stop' | 'continue',
      schedule_type: when as 'manual' | 'cron' | 'trigger',
      cron_expression: when === 'cron' ? cron : '',
      timezone: zone,
    }
    const whole = { ...plan, flows: members }
    const ordered = { ...plan, job_ids: members.map((one) => one.flow_id) }
    try {
      const made = stored
        ? job
          ? await call('PATCH /jobs/{job_id}', { path: { job_id: stored.id }, body: whole, version })
          : await call('PATCH /job-packages/{package_id}', { path: { package_id: stored.id }, body: ordered, version })
        : job
          ? await call('POST /jobs', { body: whole })
          : await call('POST /job-packages', { body: ordered })
      await client.invalidateQueries({ queryKey: ['jobs'] })
      say(t('jobs.saved', { name: made.name }), 'ok')
      onSaved?.()
      go(`${PLACE[kind]}/${made.id}`)
    } catch (error) {
      if (error instanceof ApiError) setErrors(error.fields)
      else fail(error)
    } finally {
      setBusy(false)
    }
  }
  const drop = () =>
    stored
    && void (
      job
        ? call('DELETE /jobs/{job_id}', { path: { job_id: stored.id } })
        : call('DELETE /job-packages/{package_id}', { path: { package_id: stored.id } })
    )
      .then(() => {
        say(t('jobs.dropped'), 'ok')
        go(PLACE[kind])
        return gone(['jobs'], stored.id)
      })
      .catch(fail)
  const general = Object.entries(errors)
    .filter(([path]) => !['name', 'cron_expression', 'timezone'].includes(path))
    .map(([, said]) => said)
    .join(' ')
  const words = when === 'cron' ? cronWords(cron) : ''
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          <p className="soft">{job ? t('jobs.text') : t('jobs.packages.text')}</p>
        </div>
        {stored && (
          <div className="row">
            {mayDelete && (
              <button type="button" className="button" onClick={() => setDropping(true)}>
                <Trash2 size={15} aria-hidden="true" />
                {t('jobs.delete')}
              </button>
            )}
            {mayRun && (
              <button type="button" className="button primary" onClick={() => start(stored.id)}>
                <Play size={15} aria-hidden="true" />
                {t('jobs.run')}
              </button>
            )}
          </div>
        )}
      </header>
      {stored && (
        <LinkTabs
          label={t('jobs.partsOfOne')}
          tabs={[
            { href: place, word: t('jobs.settings') },
            { href: `${place}?tab=executions`, word: t('jobs.executions') },
          ]}
          at={tab === 'executions' ? `${place}?tab=executions` : place}
        />
      )}
      {stored && tab === 'executions' ? (
        <Executions id={stored.id} />
      ) : (
        <div className="beside job-beside">
          <form
            className="card pane connection-form"
            aria-label={t('jobs.settings')}
            onSubmit={(event) => {
              event.preventDefault()
              void save()
            }}
          >
            {general && (
              <div className="notice" data-tone="error" role="alert">
                {general}
              </div>
            )}
            <fieldset className="bare" disabled={!may}>
              <LabelledField label={t('jobs.name')} required error={errors.name}>
                {(marks) => (
                  <input
                    {...marks}
                    required
                    maxLength={255}
                    value={name}
                    onChange={({ target }) => setName(target.value)}
                  />
                )}
              </LabelledField>
              <LabelledField label={t('jobs.note')}>
                {(marks) => (
                  <input {...marks} value={description} onChange={({ target }) => setDescription(target.value)} />
                )}
              </LabelledField>
              <div className="field" role="group" aria-labelledby="job-members">
                <span className="label" id="job-members">
                  {job ? t('jobs.flows') : t('jobs.jobsInOrder')}
                </span>
                <Members members={members} names={names} ordered={!job} onChange={setMembers} />
              </div>
              <LabelledField label={t('jobs.onFailure')}>
                {(marks) => (
                  <select {...marks} value={onFailure} onChange={({ target }) => setOnFailure(target.value)}>
                    <option value="stop">{t('jobs.failure.stop')}</option>
                    <option value="continue">{t('jobs.failure.continue')}</option>
                  </select>
                )}
              </LabelledField>
              <LabelledField label={t('jobs.whenHead')}>
                {(marks) => (
                  <select {...marks} value={when} onChange={({ target }) => setWhen(target.value)}>
                    {['manual', 'cron', 'trigger'].map((one) => (
                      <option key={one} value={one}>
                        {t(`jobs.when.${one}`)}
                      </option>
                    ))}
                  </select>
                )}
              </LabelledField>
              {when === 'cron' && (
                <>
                  <LabelledField
                    label={t('jobs.cron')}
                    required
                    error={errors.cron_expression}
                    help={words || t('jobs.cron.help')}
                  >
                    {(marks) => (
                      <input
                        {...marks}
                        required
                        placeholder="0 6 * * 1-5"
                        value={cron}
                        onChange={({ target }) => setCron(target.value)}
                      />
                    )}
                  </LabelledField>
                  <LabelledField label={t('schedules.zone')} error={errors.timezone}>
                    {(marks) => <input {...marks} value={zone} onChange={({ target }) => setZone(target.value)} />}
                  </LabelledField>
                </>
              )}
            </fieldset>
            <footer className="form-foot">
              <span className="grow" />
              <button type="button" className="button" onClick={() => go(PLACE[kind])}>
                {t('jobs.cancel')}
              </button>
              {may && (
                <button className="button primary" disabled={busy}>
                  {t('jobs.save')}
                </button>
              )}
            </footer>
          </form>
          <section className="card pane" aria-label={t('jobs.order')}>
            <h2>{t('jobs.order')}</h2>
            <Graph members={drawn} />
          </section>
        </div>
      )}
      {dropping && (
        <Dialog title={t('jobs.drop', { name: title })} text={t('jobs.drop.why')} onClose={() => setDropping(false)}>
          <footer className="dialog-foot">
            <button type="button" className="button" onClick={() => setDropping(false)}>
              {t('jobs.cancel')}
            </button>
            <button type="button" className="button danger" onClick={drop}>
              {t('jobs.delete')}
            </button>
          </footer>
        </Dialog>
      )}
    </main>
  )
}

function Executions({ id }: { id: string }) {
  const { data, error, refetch } = useExecutions({ flow: id })
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('jobs.executions')} />
  if (!data.data.length) return <Empty title={t('jobs.noExecutions')} text={t('jobs.noExecutions.why')} />
  return (
    <div className="card table-card" tabIndex={0} role="region" aria-label={t('jobs.executions')}>
      <table className="list">
        <thead>
          <tr>
            <th scope="col">{t('jobs.started')}</th>
            <th scope="col">{t('jobs.state')}</th>
            <th scope="col" data-numeric>
              {t('jobs.took')}
            </th>
          </tr>
        </thead>
        <tbody>
          {data.data.map((one) => (
            <tr key={one.id}>
              <td>
                <Link href={`/executions/${one.id}`}>
                  <time dateTime={one.queued_at} title={moment(one.queued_at)}>
                    {since(one.queued_at)}
                  </time>
                </Link>
              </td>
              <td>
                <State name={one.status} />
                {one.error && <span className="soft list-error">{one.error.message}</span>}
              </td>
              <td data-numeric>{one.duration_ms === null ? '–' : took(one.duration_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
