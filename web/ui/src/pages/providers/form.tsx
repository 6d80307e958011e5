// The form of one way to sign in, from the schema of its plugin.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/call'
import { ApiError } from '../../api/client'
import type { FieldError } from '../../api/client'
import { stale } from '../../api/mine'
import type { AuthProviderType, IdentityProviderOut as Provider } from '../../api/types.gen'
import type { Schema, Value } from '../../api/types'
import { SchemaForm } from '../../form/form'
import { Foot } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { CheckField, SelectField, TextField } from '../../kit/fields'
import { Once } from '../../kit/once'
import { Trouble, Waiting } from '../../kit/parts'
import { fail, say } from '../../kit/toasts'
import { errorsByPath, initial, missing, sent } from '../../lib/schema'
import { t } from '../../lib/text'
import { useRoles } from '../roles/choice'

type Props = { type: AuthProviderType; id?: string; platform: boolean; onClose: () => void }

export function ProviderForm(props: Props) {
  return props.id ? <Stored {...props} id={props.id} /> : <Form {...props} />
}

function Stored(props: Props & { id: string }) {
  const { data, error } = useQuery({
    queryKey: ['identity-providers', props.id],
    queryFn: () => call('GET /identity-providers/{provider_id}', { path: { provider_id: props.id } }),
    staleTime: 0,
    gcTime: 0,
  })
  if (data) return <Form {...props} stored={data} />
  return (
    <Dialog title={props.type.title} onClose={props.onClose}>
      {error ? <Trouble error={error} /> : <Waiting what={props.type.title} />}
    </Dialog>
  )
}

const split = (text: string) => text.split(/[\s,]+/).filter(Boolean)
const pairs = (text: string) =>
  Object.fromEntries(
    text
      .split('\n')
      .map((line) => line.split('=').map((part) => part.trim()))
      .filter(([group, role]) => group && role),
  ) as Record<string, string>

function Form({ type, platform, stored, onClose }: Props & { stored?: Provider }) {
  const schema = type.schema as unknown as Schema
  const [name, setName] = useState(stored?.name ?? type.title)
  const [config, setConfig] = useState<Value>(() => (stored?.config ?? initial(schema) ?? {}) as Value)
  const [role, setRole] = useState(stored?.default_role ?? 'viewer')
  const [groups, setGroups] = useState(
    Object.entries(stored?.group_roles ?? {})
      .map(([group, one]) => `${group} = ${one}`)
      .join('\n'),
  )
  const [provisions, setProvisions] = useState(stored?.provisions ?? true)
  const [domains, setDomains] = useState(stored?.domains.join(', ') ?? '')
  const [onFront, setOnFront] = useState(stored?.listed ?? false)
  const [hours, setHours] = useState(String(stored?.session_hours ?? 12))
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const roles = useRoles()
  const save = async () => {
    const empty = missing(schema, config)
    setErrors(empty)
    if (Object.keys(empty).length) return
    setBusy(true)
    try {
      const body = {
        name,
        config: sent(schema, config) as Value,
        default_role: role || null,
        group_roles: pairs(groups),
        provisions,
        session_hours: Number(hours),
        ...(platform ? { domains: split(domains), listed: onFront } : {}),
      }
      if (stored)
        await call('PATCH /identity-providers/{provider_id}', {
          path: { provider_id: stored.id },
          body,
          version: stored.row_version,
        })
      else await call('POST /identity-providers', { body: { ...body, provider: type.id } })
      stale('identity-providers')
      say(t('providers.stored', { name }), 'ok')
      onClose()
    } catch (error) {
      if (!(error instanceof ApiError)) return fail(error)
      const said = error.details.errors as FieldError[] | undefined
      setErrors(said?.length ? errorsByPath(said) : { '': error.message })
    } finally {
      setBusy(false)
    }
  }
  const { name: wrongName, ...others } = errors
  return (
    <Dialog title={stored ? stored.name : type.title} text={type.summary} size="large" onClose={onClose}>
      <form
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        {stored?.callback && (
          <Once label={t('providers.callback')} text={stored.callback} help={t('providers.callback.text')} />
        )}
        <TextField
          label={t('providers.name')}
          value={name}
          onChange={setName}
          required
          maxLength={100}
          help={t('providers.name.text')}
          error={wrongName}
        />
        <SchemaForm
          schema={schema}
          value={config}
          onChange={setConfig}
          errors={others}
          readOnly={false}
          scope={type.id}
        />
        <fieldset className="group">
          <legend>{t('providers.who')}</legend>
          <CheckField
            label={t('providers.provisions')}
            help={t('providers.provisions.text')}
            checked={provisions}
            onChange={setProvisions}
          />
          <div className="two">
            <SelectField
              label={t('providers.role')}
              value={role}
              onChange={setRole}
              choices={[{ value: '', word: t('providers.noRole') }, ...roles]}
            />
            <TextField
              label={t('providers.hours')}
              type="number"
              min={1}
              max={720}
              value={hours}
              onChange={setHours}
              error={errors.session_hours}
            />
          </div>
          <div className="field">
            <label htmlFor="group-roles">{t('providers.groups')}</label>
            <textarea
              id="group-roles"
              rows={3}
              value={groups}
              placeholder="engineering = editor"
              aria-describedby="group-roles-help"
              onChange={({ target }) => setGroups(target.value)}
            />
            <p className="help" id="group-roles-help">
              {t('providers.groups.text')}
            </p>
          </div>
          {platform && (
            <TextField
              label={t('providers.domains')}
              value={domains}
              onChange={setDomains}
              placeholder="example.org"
              help={t('providers.domains.text')}
              error={errors.domains}
            />
          )}
          {platform && (
            <CheckField
              label={t('providers.listed')}
              help={t('providers.listed.text')}
              checked={onFront}
              onChange={setOnFront}
            />
          )}
        </fieldset>
        {type.docs && (
          <details className="advanced">
            <summary>{t('providers.docs', { name: type.title })}</summary>
            {type.docs.split('\n\n').map((part) => (
              <p key={part} className="soft docs-part">
                {part}
              </p>
            ))}
          </details>
        )}
        <Foot word={t('admin.save')} busy={busy} ready={Boolean(name.trim())} onClose={onClose} />
      </form>
    </Dialog>
  )
}
