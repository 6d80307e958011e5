// The form of one connection, its test and the help of its connector beside it.
import { PlugZap } from 'lucide-react'
import { useCallback, useState } from 'react'
import { ApiError, post, put } from '../../api/client'
import type { FieldError } from '../../api/client'
import { client } from '../../api/queries'
import type { Connection, Connector, Tested, Value } from '../../api/types'
import { useMay } from '../../app/me'
import type { Option } from '../../form/context'
import { SchemaForm } from '../../form/form'
import { useBase } from '../../kit/base'
import { Prose } from '../../kit/prose'
import { fail, say } from '../../kit/toasts'
import { errorsByPath, initial, missing, sent } from '../../lib/schema'
import { t } from '../../lib/text'
import { Proof } from '../connectors/badges'
import { TestCard } from './tested'

type Props = {
  connector: Connector
  stored?: Connection
  onSaved: (made: Connection) => void
  onCancel: () => void
  children?: React.ReactNode
}

export function ConnectionForm({ connector, stored, onSaved, onCancel, children }: Props) {
  const [name, setName] = useState(stored?.name ?? connector.title)
  const [description, setDescription] = useState(stored?.description ?? '')
  const [config, setConfig] = useState<Value>(() => stored?.config ?? ((initial(connector.schema) ?? {}) as Value))
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [tested, setTested] = useState<Tested | null>(stored?.test_result ?? null)
  const [fresh, setFresh] = useState(false)
  const [busy, setBusy] = useState('')
  const version = useBase(stored, (one) => [one.name, one.description, one.config])
  const mayChange = useMay(stored ? 'connection:update' : 'connection:create')
  const mayTest = useMay('connection:test')
  const body = () => sent(connector.schema, config) as Value
  const refused = (error: unknown) => {
    if (!(error instanceof ApiError)) return fail(error)
    const listed = error.details.errors as FieldError[] | undefined
    setErrors(listed?.length ? errorsByPath(listed) : { '': error.message })
    focusFirst()
  }
  const act = async (what: string, work: () => Promise<void>) => {
    const empty = missing(connector.schema, config)
    setErrors(empty)
    if (Object.keys(empty).length) return focusFirst()
    setBusy(what)
    try {
      await work()
    } catch (error) {
      refused(error)
    } finally {
      setBusy('')
    }
  }
  const test = () =>
    act('test', async () => {
      setTested(
        await post<Tested>('/connections/test', {
          connector: connector.id,
          config: body(),
          ...(stored ? { id: stored.id } : {}),
        }),
      )
      setFresh(true)
    })
  const options = useCallback(
    async (field: string, config: Value) =>
      (
        await post<{ options: Option[] }>('/connections/options', {
          connector: connector.id,
          config: sent(connector.schema, config),
          field,
          ...(stored ? { id: stored.id } : {}),
        })
      ).options,
    [connector, stored],
  )
  const save = () =>
    act('save', async () => {
      const made = stored
        ? await put<Connection>(`/connections/${stored.id}`, { name, description, config: body() }, version)
        : await post<Connection>('/connections', { name, description, connector: connector.id, config: body() })
      await post(`/connections/${made.id}/test`).catch(() => undefined)
      void client.invalidateQueries({ queryKey: ['options'] })
      void client.invalidateQueries({ queryKey: ['connection', made.id] })
      await client.invalidateQueries({ queryKey: ['connections'] })
      say(t('connections.stored', { name: made.name }), 'ok')
      onSaved(made)
    })
  const { name: wrongName, description: wrongDescription, ...others } = errors
  return (
    <div className="beside">
      <form
        className="card pane connection-form"
        autoComplete="off"
        aria-label={t('connections.settings')}
        onSubmit={(event) => {
          event.preventDefault()
          void save()
        }}
      >
        <input type="text" autoComplete="username" aria-hidden="true" tabIndex={-1} hidden readOnly value={name} />
        <fieldset className="bare" disabled={!mayChange}>
          <div className="field">
            <label htmlFor="connection-name">
              {t('connections.name')}
              <span className="required" aria-hidden="true">
                {' '}
                *
              </span>
            </label>
            <input
              id="connection-name"
              autoComplete="off"
              value={name}
              required
              maxLength={255}
              aria-invalid={Boolean(wrongName) || undefined}
              aria-describedby="connection-name-notes"
              onChange={({ target }) => setName(target.value)}
            />
            <div id="connection-name-notes">
              {wrongName && (
                <p className="field-error" role="alert">
                  {wrongName}
                </p>
              )}
              <p className="help">{t('connections.name.help')}</p>
            </div>
          </div>
          <SchemaForm
            schema={connector.schema}
            value={config}
            onChange={setConfig}
            errors={others}
            readOnly={!mayChange}
            options={mayTest ? options : undefined}
            onFocus
            scope={stored?.id ?? connector.id}
          />
          <div className="field">
            <label htmlFor="connection-description">{t('connections.description')}</label>
            <textarea
              id="connection-description"
              rows={2}
              maxLength={2000}
              value={description}
              aria-describedby="connection-description-notes"
              onChange={({ target }) => setDescription(target.value)}
            />
            <div id="connection-description-notes">
              {wrongDescription && (
                <p className="field-error" role="alert">
                  {wrongDescription}
                </p>
              )}
            </div>
          </div>
        </fieldset>
        <footer className="form-foot">
          {mayTest && (
            <button type="button" className="button" disabled={Boolean(busy)} onClick={() => void test()}>
              <PlugZap size={15} aria-hidden="true" />
              {busy === 'test' ? t('connections.testing') : t('connections.test')}
            </button>
          )}
          <span className="grow" />
          <button type="button" className="button" onClick={onCancel}>
            {t('connections.cancel')}
          </button>
          {mayChange && (
            <button className="button primary" disabled={Boolean(busy) || !name.trim()}>
              {busy === 'save' ? t('connections.saving') : t('connections.save')}
            </button>
          )}
        </footer>
      </form>
      <div className="stack">
        <TestCard tested={tested} at={fresh ? null : (stored?.last_tested_at ?? null)} busy={busy === 'test'} />
        {children}
        <aside className="card pane" aria-label={t('connections.aboutIt', { title: connector.title })}>
          <h2>{t('connections.aboutIt', { title: connector.title })}</h2>
          <Prose text={connector.docs || connector.summary} />
          <p className="row docs-foot">
            <Proof level={connector.proof} />
            <span className="soft">
              {connector.plugin.distribution} {connector.plugin.version}
            </span>
          </p>
        </aside>
      </div>
    </div>
  )
}

/** Lead the eye and the keyboard to the first field that is wrong. */
const focusFirst = () =>
  requestAnimationFrame(() => document.querySelector<HTMLElement>('.connection-form [aria-invalid="true"]')?.focus())
