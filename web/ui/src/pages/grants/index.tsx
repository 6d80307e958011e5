// Grants on single things, and why somebody may do something.
import { useQuery } from '@tanstack/react-query'
import { Plus, ShieldPlus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { GrantOut, Me } from '../../api/types.gen'
import { Empty, Trouble, Waiting } from '../../kit/parts'
import { Section } from '../../kit/section'
import { fail, say } from '../../kit/toasts'
import { moment, until } from '../../lib/format'
import { t } from '../../lib/text'
import { useGroups } from '../groups'
import { useMembers } from '../members/people'
import { useRoleName } from '../roles/choice'
import { Give } from './give'
import { useThings } from './objects'
import type { Kind } from './objects'
import { Why } from './why'

export function Grants({ me }: { me: Me }) {
  const [giving, setGiving] = useState(false)
  const { data, error, refetch } = useQuery({
    queryKey: ['grants'],
    queryFn: () => call('GET /permissions', { query: { per_page: 100 } }),
  })
  const give = (
    <button type="button" className="button primary" onClick={() => setGiving(true)}>
      <Plus size={16} aria-hidden="true" />
      {t('grants.give')}
    </button>
  )
  return (
    <div className="sections">
      <Why me={me} />
      <Section title={t('grants.title')} text={t('grants.text')} actions={data?.length ? give : null}>
        {error ? (
          <Trouble error={error} again={() => void refetch()} />
        ) : !data ? (
          <Waiting what={t('grants.title')} />
        ) : data.length === 0 ? (
          <Empty title={t('grants.none')} text={t('grants.none.text')}>
            {give}
          </Empty>
        ) : (
          <ul className="lines">
            {data.map((one) => (
              <Grant key={one.id} one={one} />
            ))}
          </ul>
        )}
      </Section>
      {giving && <Give onClose={() => setGiving(false)} />}
    </div>
  )
}

function Grant({ one }: { one: GrantOut }) {
  const kind = one.object_type as Kind
  const members = useMembers()
  const groups = useGroups()
  const things = useThings(kind)
  const roleName = useRoleName()
  const person = members.data?.find(({ id }) => id === one.user_id)
  const who = person
    ? person.full_name || person.email
    : (groups.data?.find(({ id }) => id === one.group_id)?.name ?? '…')
  const what = things.data?.find(({ id }) => id === one.object_id)?.name ?? one.object_id.slice(0, 8)
  const given = one.level ? t(`grants.level.${one.level}`) : roleName(one.role ?? '')
  const over = one.expires_at !== null && new Date(one.expires_at) < new Date()
  const take = () =>
    void call('DELETE /permissions/{grant_id}', { path: { grant_id: one.id } })
      .then(async () => {
        await stale('grants', 'why')
        say(t('grants.taken'), 'ok')
      })
      .catch(fail)
  return (
    <li>
      <span className="line-icon">
        <ShieldPlus size={17} aria-hidden="true" />
      </span>
      <span className="line-text">
        <strong>{t('grants.line', { who, given })}</strong>
        <span className="soft">
          {t(`grants.kind.${kind}`)}: {what}
          {['workspace', 'folder', 'job', 'job_package'].includes(kind) && ` · ${t('grants.inherited')}`}
        </span>
      </span>
      {over ? (
        <span className="badge" data-tone="warn">
          {t('keys.over')}
        </span>
      ) : (
        <span className="soft line-aside" title={one.expires_at ? moment(one.expires_at) : undefined}>
          {one.expires_at ? t('keys.expires', { when: until(one.expires_at) }) : t('keys.forever')}
        </span>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={t('grants.takeFrom', { who, what })}
        title={t('grants.take')}
        onClick={take}
      >
        <Trash2 size={15} />
      </button>
    </li>
  )
}
