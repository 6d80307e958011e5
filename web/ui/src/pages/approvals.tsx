// Approvals: what waits for a decision, the form of one, and what was decided.
import { ChevronLeft } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import { useApprovals } from '../api/queries'
import type { Value, Wait } from '../api/types'
import { useAddress } from '../app/address'
import { useTitle } from '../app/title'
import { Decide } from '../flow/waiting'
import { Choice } from '../kit/choice'
import { State } from '../kit/icon'
import { Empty, Page, Trouble, Waiting } from '../kit/parts'
import { moment, since, until } from '../lib/format'
import { t } from '../lib/text'

const VIEWS = ['open', 'resumed', 'expired', 'cancelled'] as const

export default function Approvals({ id = '' }: { id?: string }) {
  useTitle(t('places.approvals'))
  const [, go] = useLocation()
  const status = useAddress().get('status') || 'open'
  const view = status === 'open' ? '' : `?status=${status}`
  const { data, error, refetch } = useApprovals(status)
  const chosen = data?.find((one) => one.id === id)
  const shown = chosen ?? (id ? undefined : data?.[0])
  const isOpen = status === 'open'
  return (
    <Page title={t('places.approvals')} text={t('approvals.about')}>
      <Choice
        label={t('work.state')}
        value={status}
        options={VIEWS.map((view) => [view, t(`approvals.view.${view}`)])}
        onChange={(one) => go(one === 'open' ? '/approvals' : `/approvals?status=${one}`)}
      />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('approvals.these')} />
      ) : data.length === 0 && !id ? (
        <Empty
          title={t(isOpen ? 'approvals.none' : 'approvals.noneSo')}
          text={t(isOpen ? 'approvals.none.why' : 'approvals.noneSo.why')}
        >
          {isOpen && (
            <Link href="/flows" className="button">
              {t('app.allFlows')}
            </Link>
          )}
        </Empty>
      ) : (
        <div className="approvals" data-one={Boolean(id) || undefined}>
          <ul className="card approval-list" aria-label={t('places.approvals')}>
            {data.map((one) => (
              <li key={one.id}>
                <Link href={`/approvals/${one.id}${view}`} aria-current={one.id === shown?.id ? 'true' : undefined}>
                  <strong>{one.title || one.node_id}</strong>
                  <span className="soft">{one.flow_name}</span>
                  <span className="soft approval-when" title={moment(one.created_at)}>
                    {one.deadline_at && one.status === 'open'
                      ? t('approvals.until', { when: until(one.deadline_at) })
                      : since(one.resolved_at ?? one.created_at)}
                  </span>
                </Link>
              </li>
            ))}
          </ul>
          <section className="card approval" aria-label={t('approvals.one')}>
            {id && (
              <Link href={`/approvals${view}`} className="button only-small approval-back">
                <ChevronLeft size={15} aria-hidden="true" />
                {t('approvals.all')}
              </Link>
            )}
            {shown ? (
              <Detail key={shown.id} wait={shown} onDone={() => go('/approvals')} />
            ) : (
              <Empty title={t('approvals.over')} text={t('approvals.over.why')}>
                <Link href="/approvals" className="button">
                  {t('approvals.all')}
                </Link>
              </Empty>
            )}
          </section>
        </div>
      )}
    </Page>
  )
}

function Detail({ wait, onDone }: { wait: Wait; onDone: () => void }) {
  const facts: [string, React.ReactNode][] = [
    [
      t('approvals.flow'),
      <Link key="flow" href={`/flows/${wait.flow_id}`}>
        {wait.flow_name}
      </Link>,
    ],
    [t('approvals.asked'), moment(wait.created_at)],
    [t('approvals.deadline'), wait.deadline_at ? moment(wait.deadline_at) : t('approvals.noDeadline')],
    [t('approvals.who'), wait.assignees.join(', ') || t('approvals.anybody')],
  ]
  return (
    <>
      <header className="approval-head">
        <h2>{wait.title || wait.node_id}</h2>
        <State name={wait.status === 'resumed' ? (wait.payload?.approved ? 'approved' : 'rejected') : wait.status} />
      </header>
      <dl className="approval-facts">
        {facts.map(([word, value]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {wait.status === 'open' ? <Decide wait={wait} onDone={onDone} /> : <Answers wait={wait} />}
      <p className="approval-more">
        <Link href={`/executions/${wait.execution_id}`}>{t('approvals.execution')}</Link>
      </p>
    </>
  )
}

function Answers({ wait }: { wait: Wait }) {
  const given = Object.entries((wait.payload ?? {}) as Value).filter(([name]) => name !== 'approved')
  const shown = (value: Value[string] | undefined) =>
    value === true ? t('work.yes') : value === false ? t('work.no') : String(value ?? '–')
  return (
    <>
      {wait.message && <p className="decide-message">{wait.message}</p>}
      {given.length > 0 && (
        <dl className="approval-facts" aria-label={t('approvals.answers')}>
          {given.map(([name, value]) => (
            <div key={name}>
              <dt>{wait.form.properties?.[name]?.title ?? name}</dt>
              <dd>{shown(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {wait.resolved_at && (
        <p className="soft">
          {wait.status === 'resumed'
            ? t('approvals.decided', { when: moment(wait.resolved_at) })
            : t('approvals.ended', { when: moment(wait.resolved_at) })}
        </p>
      )}
    </>
  )
}
