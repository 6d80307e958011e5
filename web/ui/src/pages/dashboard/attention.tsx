// What somebody should look at: failed executions, questions that wait, sick connections, triggers that do not fire.
import { Cable, CircleCheck, CircleX, Hourglass, Zap } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import { Link } from 'wouter'
import type { Execution } from '../../api/types'
import { moment, since } from '../../lib/format'
import { t } from '../../lib/text'
import type { Board } from './reads'

type Item = {
  id: string
  tone: 'error' | 'wait' | 'warn'
  Icon: LucideIcon
  title: string
  text: string
  href: string
  at: string | null
}

/** The newest failure of each flow that has not worked since, with how often it failed. */
function failures({ failed, latest }: Board): { one: Execution; times: number }[] {
  const byFlow = new Map<string, Execution[]>()
  for (const one of failed) byFlow.set(one.flow_id, [...(byFlow.get(one.flow_id) ?? []), one])
  const worked = (flow: string, after: string) =>
    latest.some((one) => one.flow_id === flow && one.status === 'completed' && one.queued_at > after)
  return [...byFlow.values()].flatMap((list) => {
    const one = list[0]
    return one && !worked(one.flow_id, one.queued_at) ? [{ one, times: list.length }] : []
  })
}

function items(board: Board): Item[] {
  const name = (flow: string) => board.names.get(flow) ?? t('executions.deleted')
  return [
    ...board.approvals.map((one): Item => ({
      id: one.id,
      tone: 'wait',
      Icon: Hourglass,
      title: one.title || one.node_id,
      text: t('dashboard.asks', { flow: one.flow_name }),
      href: `/approvals/${one.id}`,
      at: one.created_at,
    })),
    ...failures(board).map(({ one, times }): Item => ({
      id: one.id,
      tone: 'error',
      Icon: CircleX,
      title: t('dashboard.failed', { flow: name(one.flow_id), n: times }),
      text: one.error?.message ?? one.error_message ?? '',
      href: `/executions/${one.id}`,
      at: one.queued_at,
    })),
    ...board.connections
      .filter(
        (one) =>
          ['failed', 'unhealthy'].includes(one.test_status) || ['failed', 'unhealthy'].includes(one.health_status),
      )
      .map((one): Item => ({
        id: one.id,
        tone: 'error',
        Icon: Cable,
        title: t('dashboard.sick', { connection: one.name }),
        text: String(one.test_result?.hint ?? ''),
        href: '/connections',
        at: one.last_tested_at,
      })),
    ...board.triggers
      .filter((one) => one.error && one.is_active)
      .map((one): Item => ({
        id: one.id,
        tone: 'warn',
        Icon: Zap,
        title: t('dashboard.trigger', { trigger: one.name || one.trigger_type, flow: name(one.flow_id) }),
        text: one.error ?? '',
        href: '/triggers',
        at: one.last_fired_at,
      })),
  ]
}

export function Attention({ board }: { board: Board }) {
  const list = items(board)
  return (
    <section className="card board-list" aria-labelledby="attention">
      <header>
        <h2 id="attention">{t('dashboard.attention')}</h2>
        {list.length > 0 && (
          <span className="count" data-tone={list.some(({ tone }) => tone === 'error') ? 'error' : undefined}>
            {list.length}
          </span>
        )}
      </header>
      {list.length === 0 ? (
        <p className="board-fine">
          <CircleCheck size={17} aria-hidden="true" />
          {t('dashboard.fine')}
        </p>
      ) : (
        <ul>
          {list.slice(0, 12).map(({ id, tone, Icon, title, text, href, at }) => (
            <li key={id}>
              <Link href={href} className="board-row board-item">
                <span className="board-icon" data-tone={tone}>
                  <Icon size={16} aria-hidden="true" />
                </span>
                <span className="board-text">
                  <strong>{title}</strong>
                  {text && <span className="soft">{text}</span>}
                </span>
                {at && (
                  <time className="soft" dateTime={at} title={moment(at)}>
                    {since(at)}
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
