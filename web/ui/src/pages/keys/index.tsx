// API keys of oneself or of a service account: what each may do, until when, when it was used.
import { useQuery } from '@tanstack/react-query'
import { KeyRound, Plus, RefreshCw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { KeyOut } from '../../api/types.gen'
import { Ask } from '../../kit/ask'
import { Empty, Trouble, Waiting } from '../../kit/parts'
import { Section } from '../../kit/section'
import { moment, since, until } from '../../lib/format'
import { t } from '../../lib/text'
import { NewKey, Rotate } from './new'

type Open = { act: 'new' } | { act: 'rotate' | 'drop'; key: KeyOut } | null
type Props = { owner: string; own?: boolean; rights: string[]; title?: string; text?: string }

export function Keys({ owner, own, rights, title = t('keys.title'), text = t('keys.text') }: Props) {
  const [open, setOpen] = useState<Open>(null)
  const { data, error, refetch } = useQuery({
    queryKey: ['api-keys', owner],
    queryFn: () => call('GET /api-keys', { query: { user_id: owner, per_page: 100 } }),
  })
  const add = (
    <button type="button" className="button primary" onClick={() => setOpen({ act: 'new' })}>
      <Plus size={16} aria-hidden="true" />
      {t('keys.new')}
    </button>
  )
  const close = () => setOpen(null)
  return (
    <Section title={title} text={text} actions={add}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('keys.title')} />
      ) : data.length === 0 ? (
        <Empty title={t('keys.none')} text={t('keys.none.text')} />
      ) : (
        <ul className="lines">
          {data.map((key) => (
            <Line
              key={key.id}
              one={key}
              onRotate={() => setOpen({ act: 'rotate', key })}
              onDrop={() => setOpen({ act: 'drop', key })}
            />
          ))}
        </ul>
      )}
      {open?.act === 'new' && <NewKey owner={owner} rights={rights} onClose={close} {...(own ? { own } : {})} />}
      {open?.act === 'rotate' && <Rotate one={open.key} onClose={close} />}
      {open?.act === 'drop' && (
        <Ask
          title={t('keys.drop.title', { name: open.key.name })}
          text={t('keys.drop.text')}
          word={t('keys.drop')}
          onClose={close}
          onAct={() =>
            call('DELETE /api-keys/{key_id}', { path: { key_id: open.key.id } }).then(() => stale('api-keys'))
          }
        />
      )}
    </Section>
  )
}

function Line({ one, onRotate, onDrop }: { one: KeyOut; onRotate: () => void; onDrop: () => void }) {
  const over = one.expires_at !== null && new Date(one.expires_at) < new Date()
  const used = one.last_used_at
    ? t('keys.used', { when: since(one.last_used_at), address: one.last_used_ip || '–' })
    : t('keys.unused')
  return (
    <li>
      <span className="line-icon">
        <KeyRound size={17} aria-hidden="true" />
      </span>
      <span className="line-text">
        <strong>
          {one.name} <code className="soft">{one.hint}…</code>
        </strong>
        <span className="soft">
          {used} · <span title={one.permissions.join(', ')}>{t('keys.rights', { n: one.permissions.length })}</span>
        </span>
      </span>
      {one.previous_until && new Date(one.previous_until) > new Date() && (
        <span className="badge" data-tone="warn">
          {t('keys.overlap', { when: until(one.previous_until) })}
        </span>
      )}
      {over ? (
        <span className="badge" data-tone="error">
          {t('keys.over')}
        </span>
      ) : (
        <span className="soft line-aside" title={one.expires_at ? moment(one.expires_at) : undefined}>
          {one.expires_at ? t('keys.expires', { when: until(one.expires_at) }) : t('keys.forever')}
        </span>
      )}
      <span className="row list-acts">
        <button
          type="button"
          className="icon-button"
          aria-label={t('keys.rotateOf', { name: one.name })}
          title={t('keys.rotate')}
          onClick={onRotate}
        >
          <RefreshCw size={15} />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={t('keys.dropOf', { name: one.name })}
          title={t('keys.drop')}
          onClick={onDrop}
        >
          <Trash2 size={15} />
        </button>
      </span>
    </li>
  )
}
