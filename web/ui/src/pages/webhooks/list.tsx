// Webhooks: addresses that start a flow when they are called.
import { Copy, Pause, Play, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { useTargets, useWebhooks } from '../../api/starts'
import type { Target } from '../../api/starts'
import type { WebhookOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { onClipboard } from '../../kit/copy'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { say } from '../../kit/toasts'
import { since } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { turn } from '../triggers/acts'
import { DropTrigger } from '../triggers/drop'
import { Standing } from '../triggers/standing'
import { StartTabs } from '../triggers/tabs'

export default function Webhooks() {
  useTitle(t('webhooks.webhooks'))
  const [q, setQ] = useAsked('q')
  const [dropping, setDropping] = useState<WebhookOut | null>(null)
  const { data, error, refetch } = useWebhooks()
  const targets = useTargets()
  const may = useMay('webhook:create')
  const add = may && (
    <Link href="/triggers/new/webhook" className="button primary">
      <Plus size={16} aria-hidden="true" />
      {t('webhooks.new')}
    </Link>
  )
  const title = (one: WebhookOut) => one.name || (targets.get(one.flow_id)?.name ?? t('webhooks.webhook'))
  const shown =
    data?.filter((one) =>
      `${title(one)} ${one.event_type} ${one.url} ${one.alias_url ?? ''} ${targets.get(one.flow_id)?.name ?? ''}`
        .toLowerCase()
        .includes(q.toLowerCase()),
    ) ?? []
  return (
    <Page title={t('webhooks.webhooks')} text={t('webhooks.text')} actions={add}>
      <StartTabs at="/webhooks" />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('webhooks.webhooks')} />
      ) : data.length === 0 ? (
        <Empty title={t('webhooks.none')} text={t('webhooks.none.why')}>
          {add}
        </Empty>
      ) : (
        <>
          <SearchBox label={t('webhooks.search')} value={q} onChange={setQ} />
          {shown.length === 0 ? (
            <Empty title={t('webhooks.noMatch')} text={t('webhooks.noMatch.why')} />
          ) : (
            <div className="card table-card" tabIndex={0} role="region" aria-label={t('webhooks.webhooks')}>
              <table className="list stacked">
                <thead>
                  <tr>
                    <th scope="col">{t('webhooks.webhook')}</th>
                    <th scope="col">{t('webhooks.state')}</th>
                    <th scope="col">{t('webhooks.flow')}</th>
                    <th scope="col">{t('webhooks.proof')}</th>
                    <th scope="col">{t('webhooks.lastCall')}</th>
                    <th scope="col">
                      <span className="sr">{t('webhooks.acts')}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {shown.map((one) => (
                    <Row
                      key={one.id}
                      webhook={one}
                      title={title(one)}
                      target={targets.get(one.flow_id)}
                      onDrop={() => setDropping(one)}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </>
      )}
      {dropping && <DropTrigger id={dropping.id} title={title(dropping)} onClose={() => setDropping(null)} />}
    </Page>
  )
}

function Row({
  webhook: one,
  title,
  target,
  onDrop,
}: {
  webhook: WebhookOut
  title: string
  target: Target | undefined
  onDrop: () => void
}) {
  const mayChange = useMay('webhook:update')
  const mayDelete = useMay('webhook:delete')
  const url = new URL(one.alias_url ?? one.url, location.origin).href
  const copy = () =>
    void onClipboard(url).then((done) => (done ? say(t('webhooks.copied'), 'ok') : say(t('webhooks.copyByHand'))))
  return (
    <tr>
      <td>
        <Link href={`/webhooks/${one.id}`}>{title}</Link>
        <span className="soft list-error">
          <span className="badge method">{one.method}</span>
          {one.event_type && <span className="badge">{one.event_type}</span>} <code>{new URL(url).pathname}</code>
        </span>
      </td>
      <td>
        <Standing trigger={one} />
        {one.error && (
          <span className="soft list-error" title={one.error}>
            {one.error}
          </span>
        )}
      </td>
      <td data-column={t('webhooks.flow')}>
        <Link href={target?.href ?? `/flows/${one.flow_id}`}>{target?.name ?? t('webhooks.flow')}</Link>
      </td>
      <td className="soft" data-column={t('webhooks.proof')}>
        {t(`webhooks.auth.${one.authentication}`)}
      </td>
      <td data-column={t('webhooks.lastCall')}>
        {one.last_called_at ? (
          <Link href={`/webhooks/${one.id}?tab=calls`}>{since(one.last_called_at)}</Link>
        ) : (
          <span className="soft">{t('webhooks.never')}</span>
        )}
      </td>
      <td>
        <span className="row list-acts">
          <button
            type="button"
            className="icon-button"
            aria-label={t('webhooks.copyNamed', { title })}
            title={t('webhooks.copy')}
            onClick={copy}
          >
            <Copy size={15} />
          </button>
          {mayChange && (
            <button
              type="button"
              className="icon-button"
              aria-label={one.is_active ? t('triggers.pauseNamed', { title }) : t('triggers.resumeNamed', { title })}
              title={one.is_active ? t('triggers.pause') : t('triggers.resume')}
              onClick={() => turn(one, title)}
            >
              {one.is_active ? <Pause size={15} /> : <Play size={15} />}
            </button>
          )}
          {mayDelete && !one.node_id && (
            <button
              type="button"
              className="icon-button"
              aria-label={t('triggers.deleteNamed', { title })}
              title={t('triggers.delete')}
              onClick={onDrop}
            >
              <Trash2 size={15} />
            </button>
          )}
        </span>
      </td>
    </tr>
  )
}
