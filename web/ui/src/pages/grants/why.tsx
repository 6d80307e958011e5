// "Why can X do Y?": the answer of the five layers in words.
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import type { Me } from '../../api/types.gen'
import { SelectField } from '../../kit/fields'
import { Section } from '../../kit/section'
import { t } from '../../lib/text'
import { useMembers } from '../members/people'
import { rightWord } from '../../lib/rights'
import { KINDS, useThings } from './objects'
import type { Kind } from './objects'

const ABOUT: Record<Kind, string[]> = {
  workspace: ['workspace:read', 'workspace:update', 'flow:create', 'workspace:delete'],
  folder: ['folder:read', 'folder:update', 'flow:create', 'folder:delete'],
  flow: ['flow:read', 'flow:execute', 'flow:update', 'flow:delete', 'version:create', 'share:manage', 'grant:manage'],
  job: ['job:read', 'job:execute', 'job:update', 'job:delete'],
  job_package: ['job:read', 'job:execute', 'job:update', 'job:delete'],
  connection: ['connection:read', 'connection:test', 'connection:query', 'connection:update', 'connection:delete'],
}

export function Why({ me }: { me: Me }) {
  const [user_id, setUser] = useState(me.user.id)
  const [kind, setKind] = useState<Kind>('flow')
  const [permission, setPermission] = useState('flow:execute')
  const [chosen, setObject] = useState('')
  const members = useMembers(me.permissions.includes('organization:manage_members'))
  const things = useThings(kind)
  const object_id = chosen || (things.data?.[0]?.id ?? '')
  const asked = { permission, object_type: kind, object_id, user_id }
  const { data, error } = useQuery({
    queryKey: ['why', asked],
    queryFn: () => call('GET /permissions/check', { query: asked }),
    enabled: Boolean(object_id),
    staleTime: 0,
  })
  const people = members.data?.filter((one) => one.is_active) ?? [
    { id: me.user.id, full_name: me.user.full_name, email: me.user.email },
  ]
  const turn = (value: string) => {
    setKind(value as Kind)
    setPermission(ABOUT[value as Kind][0] ?? '')
    setObject('')
  }
  return (
    <Section title={t('grants.why')} text={t('grants.why.text')}>
      <div className="why">
        <SelectField
          label={t('grants.person')}
          value={user_id}
          onChange={setUser}
          choices={people.map((one) => ({ value: one.id, word: one.full_name || one.email }))}
        />
        <SelectField
          label={t('grants.on')}
          value={kind}
          onChange={turn}
          choices={KINDS.map((value) => ({ value, word: t(`grants.kind.${value}`) }))}
        />
        <SelectField
          label={t('grants.which')}
          value={object_id}
          onChange={setObject}
          choices={(things.data ?? []).map((one) => ({ value: one.id, word: one.name }))}
        />
        <SelectField
          label={t('grants.does')}
          value={permission}
          onChange={setPermission}
          choices={ABOUT[kind].map((value) => ({ value, word: rightWord(value) }))}
        />
      </div>
      {error ? (
        <p className="field-error" role="alert">
          {error.message}
        </p>
      ) : (
        data && (
          <div className="verdict" data-tone={data.allowed ? 'ok' : 'error'} role="status">
            {data.allowed ? <CircleCheck size={18} aria-hidden="true" /> : <CircleX size={18} aria-hidden="true" />}
            <span>
              <strong>{data.allowed ? t(`grants.layer.${data.layer ?? 'role'}`) : t('grants.refused')}</strong>
              <span className="soft">{data.reason}</span>
            </span>
          </div>
        )
      )}
      {things.data?.length === 0 && <p className="soft">{t('grants.nothing', { kind: t(`grants.kind.${kind}`) })}</p>}
    </Section>
  )
}
