// Ways to sign in that the organization has set up: tested, with who came by each.
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleSlash, LogIn, Plus } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { AuthProviderType, IdentityProviderOut as Provider, Me } from '../../api/types.gen'
import { Ask } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { MoreMenu } from '../../kit/more-menu'
import { Empty, Trouble, Waiting } from '../../kit/parts'
import { Face, Section } from '../../kit/section'
import { Tile } from '../../kit/tile'
import { fail, say } from '../../kit/toasts'
import { moment, since } from '../../lib/format'
import { t } from '../../lib/text'
import { ProviderForm } from './form'

type Open =
  | { what: 'kinds' }
  | { what: 'form'; type: AuthProviderType; id?: string }
  | { what: 'people' | 'drop'; one: Provider }
  | null

export function Providers({ me }: { me: Me }) {
  const [open, setOpen] = useState<Open>(null)
  const { data, error, refetch } = useQuery({
    queryKey: ['identity-providers'],
    queryFn: () => call('GET /identity-providers'),
  })
  const types = useQuery({
    queryKey: ['identity-provider-types'],
    queryFn: () => call('GET /identity-providers/types'),
  })
  const close = () => setOpen(null)
  const test = (one: Provider) =>
    void call('POST /identity-providers/{provider_id}/test', { path: { provider_id: one.id } })
      .then(({ ok, ms, message }) =>
        say(ok ? t('providers.works', { name: one.name, ms }) : message, ok ? 'ok' : 'error'),
      )
      .catch(fail)
  const turn = (one: Provider) =>
    void call('PATCH /identity-providers/{provider_id}', {
      path: { provider_id: one.id },
      body: { is_enabled: !one.is_enabled },
      version: one.row_version,
    })
      .then(() => stale('identity-providers'))
      .catch(fail)
  const typeOf = (one: Provider) => types.data?.find(({ id }) => id === one.provider)
  const add = (
    <button type="button" className="button primary" onClick={() => setOpen({ what: 'kinds' })}>
      <Plus size={16} aria-hidden="true" />
      {t('providers.new')}
    </button>
  )
  const wrong = error ?? types.error
  return (
    <Section title={t('providers.title')} text={t('providers.text')} actions={data?.length ? add : null}>
      {wrong ? (
        <Trouble
          error={wrong}
          again={() => {
            void refetch()
            void types.refetch()
          }}
        />
      ) : !data || !types.data ? (
        <Waiting what={t('providers.title')} />
      ) : data.length === 0 ? (
        <Empty title={t('providers.none')} text={t('providers.none.text')}>
          {add}
        </Empty>
      ) : (
        <ul className="lines">
          {data.map((one) => {
            const type = typeOf(one)
            return (
              <li key={one.id}>
                <span className="line-icon">
                  <LogIn size={17} aria-hidden="true" />
                </span>
                <span className="line-text">
                  {type ? (
                    <button
                      type="button"
                      className="cell-link"
                      onClick={() => setOpen({ what: 'form', type, id: one.id })}
                    >
                      {one.name}
                    </button>
                  ) : (
                    <strong>{one.name}</strong>
                  )}
                  <span className="soft">
                    {type?.title ?? t('providers.gone', { name: one.provider })}
                    {one.domains.length > 0 && ` · ${one.domains.join(', ')}`}
                  </span>
                  {one.last_refusal && (
                    <span className="warned" title={one.last_refused_at ? moment(one.last_refused_at) : undefined}>
                      {t('providers.refused', { when: since(one.last_refused_at), why: one.last_refusal })}
                    </span>
                  )}
                </span>
                <span className="badge" data-tone={one.is_enabled ? 'ok' : 'idle'}>
                  {one.is_enabled ? (
                    <CircleCheck size={14} aria-hidden="true" />
                  ) : (
                    <CircleSlash size={14} aria-hidden="true" />
                  )}
                  {t(one.is_enabled ? 'editions.on' : 'editions.off')}
                </span>
                <button
                  type="button"
                  className="button"
                  aria-label={t('providers.testOf', { name: one.name })}
                  onClick={() => test(one)}
                >
                  {t('providers.test')}
                </button>
                <MoreMenu
                  label={t('members.actsOf', { name: one.name })}
                  acts={[
                    { word: t('providers.people'), run: () => setOpen({ what: 'people', one }) },
                    { word: t(one.is_enabled ? 'providers.turnOff' : 'providers.turnOn'), run: () => turn(one) },
                    { word: t('members.drop'), run: () => setOpen({ what: 'drop', one }) },
                  ]}
                />
              </li>
            )
          })}
        </ul>
      )}
      {open?.what === 'kinds' && types.data && (
        <Kinds types={types.data} onClose={close} onChoose={(type) => setOpen({ what: 'form', type })} />
      )}
      {open?.what === 'form' && (
        <ProviderForm
          type={open.type}
          platform={me.user.is_platform_admin}
          onClose={close}
          {...(open.id ? { id: open.id } : {})}
        />
      )}
      {open?.what === 'people' && <Identities one={open.one} onClose={close} />}
      {open?.what === 'drop' && (
        <Ask
          title={t('members.drop.title', { name: open.one.name })}
          text={t('providers.drop.text')}
          word={t('members.drop')}
          onClose={close}
          onAct={() =>
            call('DELETE /identity-providers/{provider_id}', { path: { provider_id: open.one.id } }).then(() =>
              stale('identity-providers'),
            )
          }
        />
      )}
    </Section>
  )
}

function Kinds({
  types,
  onClose,
  onChoose,
}: {
  types: AuthProviderType[]
  onClose: () => void
  onChoose: (type: AuthProviderType) => void
}) {
  return (
    <Dialog title={t('providers.new')} text={t('providers.kinds')} size="large" onClose={onClose}>
      <ul className="cards gallery">
        {types.map((one) => (
          <li key={one.id} className="card card-link">
            <div className="card-top">
              <Tile icon={one.icon} kind="connector" title={one.title} />
              <h3>
                {one.included ? (
                  <button type="button" className="cover" onClick={() => onChoose(one)}>
                    {one.title}
                  </button>
                ) : (
                  one.title
                )}
              </h3>
            </div>
            <p className="card-text soft">{one.summary}</p>
            {!one.included && (
              <footer className="card-foot">
                <span className="badge" data-tone="warn">
                  {t('providers.locked')}
                </span>
              </footer>
            )}
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

function Identities({ one, onClose }: { one: Provider; onClose: () => void }) {
  const { data, error } = useQuery({
    queryKey: ['identities', one.id],
    queryFn: () =>
      call('GET /identity-providers/{provider_id}/identities', {
        path: { provider_id: one.id },
        query: { per_page: 100 },
      }),
  })
  const end = (id: string) =>
    void call('DELETE /identity-providers/{provider_id}/identities/{identity_id}', {
      path: { provider_id: one.id, identity_id: id },
    })
      .then(() => stale('identities'))
      .catch(fail)
  return (
    <Dialog title={t('providers.peopleOf', { name: one.name })} onClose={onClose}>
      {error ? (
        <Trouble error={error} />
      ) : !data ? (
        <Waiting what={t('providers.people')} />
      ) : data.length === 0 ? (
        <Empty title={t('providers.nobody')} text={t('providers.nobody.text')} />
      ) : (
        <ul className="lines">
          {data.map((each) => (
            <li key={each.id}>
              <Face name={each.email || each.subject} />
              <span className="line-text">
                <strong>{each.email || each.subject}</strong>
                <span className="soft">
                  {each.groups.join(', ') || each.subject} ·{' '}
                  {each.last_sign_in_at
                    ? t('members.seen', { when: since(each.last_sign_in_at) })
                    : t('members.neverSeen')}
                </span>
              </span>
              {each.ended_at ? (
                <span className="badge">{t('providers.ended')}</span>
              ) : (
                <button type="button" className="button" onClick={() => end(each.id)}>
                  {t('profile.end')}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  )
}
