// Jobs: flows in an order; and packages, which are jobs one after the other.
import { Play, Plus } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import { call } from '../../api/call'
import { useJobs, usePackages } from '../../api/starts'
import type { JobOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { LinkTabs } from '../../kit/link-tabs'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { fail } from '../../kit/toasts'
import { since } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { scheduleWords } from '../schedules/words'

export function JobTabs({ at }: { at: string }) {
  return (
    <LinkTabs
      label={t('jobs.parts')}
      tabs={[
        { href: '/jobs', word: t('jobs.jobs') },
        { href: '/job-packages', word: t('jobs.packages') },
      ]}
      at={at}
    />
  )
}

/** When a job is executed, in words. */
export const whenOf = (job: Pick<JobOut, 'schedule_type' | 'cron_expression'>) =>
  job.schedule_type === 'cron' ? scheduleWords('cron', job.cron_expression) : t(`jobs.when.${job.schedule_type}`)

/** Starts a job or package, and shows the execution. */
export function useStart(kind: 'job' | 'package') {
  const [, go] = useLocation()
  return (id: string) =>
    void (
      kind === 'job'
        ? call('POST /jobs/{job_id}/execute', { path: { job_id: id } })
        : call('POST /job-packages/{package_id}/execute', { path: { package_id: id } })
    )
      .then((made) => go(`/executions/${String(made.id)}`))
      .catch(fail)
}

export default function Jobs() {
  const found = useJobs()
  return <Shown kind="job" {...found} />
}

export function Packages() {
  const found = usePackages()
  return <Shown kind="package" {...found} />
}

type Props = { kind: 'job' | 'package'; data: JobOut[] | undefined; error: Error | null; refetch: () => unknown }

function Shown({ kind, data, error, refetch }: Props) {
  const job = kind === 'job'
  const place = job ? '/jobs' : '/job-packages'
  const title = job ? t('jobs.jobs') : t('jobs.packages')
  useTitle(title)
  const [q, setQ] = useAsked('q')
  const may = useMay('job:create')
  const mayRun = useMay('job:execute')
  const start = useStart(kind)
  const add = may && (
    <Link href={`${place}/new`} className="button primary">
      <Plus size={16} aria-hidden="true" />
      {job ? t('jobs.new') : t('jobs.newPackage')}
    </Link>
  )
  const shown = data?.filter((one) => `${one.name} ${one.description}`.toLowerCase().includes(q.toLowerCase())) ?? []
  const members = (one: JobOut) =>
    job ? t('jobs.flowsN', { n: one.flows.length }) : t('jobs.jobsN', { n: one.job_ids.length })
  return (
    <Page title={title} text={job ? t('jobs.text') : t('jobs.packages.text')} actions={add}>
      <JobTabs at={place} />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={title} />
      ) : data.length === 0 ? (
        <Empty
          title={job ? t('jobs.none') : t('jobs.nonePackages')}
          text={job ? t('jobs.none.why') : t('jobs.nonePackages.why')}
        >
          {add}
        </Empty>
      ) : (
        <>
          {data.length > 5 && <SearchBox label={t('jobs.search')} value={q} onChange={setQ} />}
          <div className="card table-card" tabIndex={0} role="region" aria-label={title}>
            <table className="list stacked">
              <thead>
                <tr>
                  <th scope="col">{t('jobs.name')}</th>
                  <th scope="col">{t('jobs.members')}</th>
                  <th scope="col">{t('jobs.whenHead')}</th>
                  <th scope="col">{t('jobs.onFailure')}</th>
                  <th scope="col">{t('jobs.changed')}</th>
                  <th scope="col">
                    <span className="sr">{t('jobs.acts')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {shown.map((one) => (
                  <tr key={one.id}>
                    <td>
                      <Link href={`${place}/${one.id}`}>{one.name}</Link>
                      {one.description && <span className="soft list-error">{one.description}</span>}
                    </td>
                    <td data-column={t('jobs.members')}>{members(one)}</td>
                    <td data-column={t('jobs.whenHead')}>{whenOf(one)}</td>
                    <td className="soft" data-column={t('jobs.onFailure')}>
                      {t(`jobs.failure.${one.on_failure}`)}
                    </td>
                    <td data-column={t('jobs.changed')}>
                      <time className="soft" dateTime={one.updated_at}>
                        {since(one.updated_at)}
                      </time>
                    </td>
                    <td>
                      <span className="row list-acts">
                        {mayRun && (
                          <button
                            type="button"
                            className="icon-button"
                            aria-label={t('jobs.runNamed', { name: one.name })}
                            title={t('jobs.run')}
                            onClick={() => start(one.id)}
                          >
                            <Play size={15} />
                          </button>
                        )}
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Page>
  )
}
