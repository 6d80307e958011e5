// The form of one trigger, from its schemas; beside it what it is about to do, and its help.
import { useMemo, useState } from 'react'
import { Link } from 'wouter'
import { ApiError, patch, post, put } from '../../api/client'
import type { FieldError } from '../../api/client'
import { useAllFlows, useCalendars } from '../../api/starts'
import type { Trigger, TriggerType, Webhook } from '../../api/triggers'
import type { Schema, Value } from '../../api/types'
import { useMay } from '../../app/me'
import { Instants } from '../../flow/starts'
import { SchemaForm } from '../../form/form'
import type { Option } from '../../form/context'
import { useBase } from '../../kit/base'
import { Prose } from '../../kit/prose'
import { fail, say } from '../../kit/toasts'
import { errorsByPath, initial, missing, sent } from '../../lib/schema'
import { t } from '../../lib/text'
import { cronWords } from '../schedules/words'
import { again } from './acts'

export type Made = { id: string; signing_key?: string | undefined }
type Props = {
  type: TriggerType
  stored?: Trigger
  flow?: string
  onSaved: (made: Made) => void
  onCancel: () => void
  children?: React.ReactNode
}

const FEW = 2

export function TriggerForm({ type, stored, flow: given = '', onSaved, onCancel, children }: Props) {
  const flows = useAllFlows()
  const [chosen, setFlow] = useState(stored?.flow_id ?? given)
  const [name, setName] = useState(stored?.name ?? '')
  const [config, setConfig] = useState<Value>(() => stored?.configuration ?? begin(type.form))
  const [secrets, setSecrets] = useState<Value>(() => stored?.secrets ?? {})
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const version = useBase(stored, (one) => [one.name, one.configuration])
  const mayChange = useMay(stored ? 'trigger:update' : 'trigger:create')
  const form = useForm(type.form)
  const secret = Object.keys(type.secrets.properties ?? {})
  const [asking, setAsking] = useState(!stored && secret.length > 0 && secret.length <= FEW)
  const drawn = Boolean(stored?.node_id)
  const flow = chosen || (flows.data?.length === 1 ? (flows.data[0]?.id ?? '') : '')
  const options = async (field: string, values: Value) =>
    (await post<{ options: Option[] }>(`/node-types/${type.node_type}/options`, { field, config: values })).options
  const save = async () => {
    const empty = { ...missing(type.form, config), ...(flow ? {} : { flow: t('triggers.noFlow') }) }
    setErrors(empty)
    if (Object.keys(empty).length) return focusFirst()
    setBusy(true)
    const hidden = secret.length ? { secrets: sent(type.secrets, secrets) as Value } : {}
    const body = { name, ...hidden, ...(drawn ? {} : { configuration: sent(type.form, config) as Value }) }
    try {
      const made: Made =
        stored && drawn
          ? await patch<Trigger>(`/triggers/${stored.id}`, body, version)
          : stored
            ? await put<Trigger>(
                `/triggers/${stored.id}`,
                { ...body, variables: stored.variables, priority: stored.priority, is_active: stored.is_active },
                version,
              )
            : type.id === 'webhook'
              ? await post<Webhook>('/webhooks', { flow_id: flow, ...body })
              : await post<Trigger>(`/flows/${flow}/triggers`, { trigger_type: type.id, ...body })
      await again()
      say(stored ? t('triggers.saved') : t('triggers.made'), 'ok')
      onSaved(made)
    } catch (error) {
      if (!(error instanceof ApiError)) fail(error)
      else {
        setErrors(wrong(error))
        focusFirst()
      }
    } finally {
      setBusy(false)
    }
  }
  const { flow: noFlow, ...others } = errors
  const words = type.id === 'cron' ? cronWords(String(config.expression ?? '')) : ''
  return (
    <div className="beside">
      <form
        className="card pane connection-form"
        autoComplete="off"
        aria-label={t('triggers.settings')}
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        {!stored && (
          <div className="field">
            <label htmlFor="trigger-flow">
              {t('triggers.flow')}
              <span className="required" aria-hidden="true">
                {' '}
                *
              </span>
            </label>
            <select
              id="trigger-flow"
              value={flow}
              aria-invalid={Boolean(noFlow) || undefined}
              aria-describedby="trigger-flow-error"
              onChange={({ target }) => setFlow(target.value)}
            >
              <option value="">{t('triggers.chooseFlow')}</option>
              {flows.data?.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
            <div id="trigger-flow-error">
              {noFlow && (
                <p className="field-error" role="alert">
                  {noFlow}
                </p>
              )}
            </div>
          </div>
        )}
        <div className="field">
          <label htmlFor="trigger-name">{t('triggers.name')}</label>
          <input
            id="trigger-name"
            value={name}
            maxLength={200}
            placeholder={type.title}
            disabled={!mayChange}
            onChange={({ target }) => setName(target.value)}
          />
        </div>
        {drawn && (
          <p className="notice">
            {t('triggers.drawn')} <Link href={`/flows/${stored?.flow_id}`}>{t('triggers.onCanvas')}</Link>
          </p>
        )}
        <fieldset className="bare" disabled={drawn || !mayChange}>
          <SchemaForm
            schema={form}
            value={config}
            onChange={setConfig}
            errors={others}
            readOnly={drawn || !mayChange}
            options={options}
            scope={`trigger-${type.id}`}
          />
        </fieldset>
        {secret.length > 0 && (
          <details className="advanced" open={asking} onToggle={({ currentTarget }) => setAsking(currentTarget.open)}>
            <summary>{t('triggers.secrets', { n: secret.length })}</summary>
            {asking && (
              <SchemaForm
                schema={type.secrets}
                value={secrets}
                onChange={setSecrets}
                errors={under(others, 'secrets')}
                readOnly={!mayChange}
                scope={`secrets-${type.id}`}
              />
            )}
          </details>
        )}
        <footer className="form-foot">
          <span className="grow" />
          <button type="button" className="button" onClick={onCancel}>
            {t('triggers.cancel')}
          </button>
          {mayChange && (
            <button className="button primary" disabled={busy}>
              {busy ? t('triggers.saving') : t('triggers.save')}
            </button>
          )}
        </footer>
      </form>
      <div className="stack">
        {children}
        {type.mode === 'time' && (
          <section className="card pane" aria-label={t('schedules.ahead')}>
            {words && <p className="cron-words">{words}</p>}
            <Instants
              type={type.id}
              configuration={sent(type.form, config) as Value}
              ready={!Object.keys(missing(type.form, config)).length}
            />
          </section>
        )}
        <aside className="card pane" aria-label={t('triggers.about', { title: type.title })}>
          <h2>{t('triggers.about', { title: type.title })}</h2>
          <Prose text={`${type.summary}\n\n${type.docs}`} />
        </aside>
      </div>
    </div>
  )
}

const MISFIRES = ['skip', 'coalesce', 'run_all']
const PROOFS = ['hmac', 'basic', 'jwt', 'header', 'none']
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** A field as a choice with words. */
const choice = (field: Schema, words: [string, string][]): Schema => {
  const { options_from: _from, widget: _widget, ...hints } = field['x-ui'] ?? {}
  return { ...field, enum: words.map(([value]) => value), 'x-ui': { ...hints, enum_labels: Object.fromEntries(words) } }
}

/** The form with words for what is chosen here: the calendars by their names, what becomes of late times, who may call. */
function useForm(form: Schema): Schema {
  const { data } = useCalendars()
  return useMemo(() => {
    const { calendar_id: calendar, misfire, authentication: proof, ...others } = form.properties ?? {}
    const own: Record<string, Schema> = { ...others }
    if (calendar)
      own.calendar_id = data
        ? choice(calendar, [
            ['', t('schedules.noCalendar')],
            ...data.map((one): [string, string] => [one.id, one.name]),
          ])
        : calendar
    if (misfire)
      own.misfire = choice(
        misfire,
        MISFIRES.map((one) => [one, t(`schedules.misfire.${one}`)]),
      )
    if (proof)
      own.authentication = choice(
        proof,
        PROOFS.filter((one) => proof.enum?.includes(one)).map((one) => [one, t(`webhooks.auth.${one}`)]),
      )
    return { ...form, properties: own }
  }, [form, data])
}

/** What a new trigger begins with: times are meant where the person is. */
const begin = (form: Schema): Value => ({
  ...((initial(form) ?? {}) as Value),
  ...(form.properties?.timezone ? { timezone: ZONE } : {}),
})

const focusFirst = () =>
  requestAnimationFrame(() => document.querySelector<HTMLElement>('.connection-form [aria-invalid="true"]')?.focus())

const under = (errors: Record<string, string>, name: string) =>
  Object.fromEntries(
    Object.entries(errors)
      .filter(([path]) => path.startsWith(`${name}.`))
      .map(([path, said]) => [path.slice(name.length + 1), said]),
  )

function wrong(error: ApiError): Record<string, string> {
  const listed = (error.details.errors as FieldError[] | undefined)?.map(({ path, message }) => ({
    path: path.replace(/^configuration\./, ''),
    message,
  }))
  return listed?.length ? errorsByPath(listed) : { '': error.message }
}
