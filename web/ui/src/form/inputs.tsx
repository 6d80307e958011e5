// Widgets for single values.
import { useQuery } from '@tanstack/react-query'
import { useEffect, useId, useState } from 'react'
import type { Json } from '../api/types'
import { isObject, numberOf } from '../lib/schema'
import { t } from '../lib/text'
import type { Option } from './context'
import { useForm } from './context'
import type { InputProps } from './field'

const said = (value: Json | undefined) => (value === undefined || value === null ? '' : String(value))
const example = ({ schema }: InputProps) =>
  schema['x-ui']?.placeholder ?? (schema.examples?.[0] === undefined ? undefined : String(schema.examples[0]))
const attributes = ({ id, described, invalid, required, label, bare }: InputProps) => ({
  id,
  'aria-label': bare ? label : undefined,
  'aria-describedby': described,
  'aria-invalid': invalid || undefined,
  'aria-required': required || undefined,
})

export function TextInput(props: InputProps) {
  const { value, nullable, onChange } = props
  return (
    <input
      type="text"
      {...attributes(props)}
      autoComplete="off"
      placeholder={example(props)}
      value={said(value)}
      onChange={({ target }) => onChange(target.value || (nullable ? null : ''))}
    />
  )
}

export function Area(props: InputProps) {
  const { value, schema, onChange } = props
  const rows = schema['x-ui']?.rows ?? 3
  return (
    <textarea
      {...attributes(props)}
      className="code"
      rows={rows}
      spellCheck={false}
      placeholder={example(props)}
      value={said(value)}
      onChange={({ target }) => onChange(target.value)}
    />
  )
}

/** A number: empty is null where null is allowed, a number is a number, other text is kept and marked. */
export function NumberInput(props: InputProps) {
  const { schema, nullable, value, onChange } = props
  const integer = schema.type === 'integer'
  const [text, setText] = useState(said(value))
  useEffect(
    () => setText((now) => (Object.is(numberOf(now, integer, nullable) ?? null, value ?? null) ? now : said(value))),
    [value, integer, nullable],
  )
  const unit = schema['x-ui']?.unit
  return (
    <span className="with-unit">
      <input
        {...attributes(props)}
        inputMode={integer ? 'numeric' : 'decimal'}
        autoComplete="off"
        value={text}
        placeholder={example(props) ?? (nullable ? t('form.none') : undefined)}
        onChange={({ target }) => {
          setText(target.value)
          onChange(numberOf(target.value, integer, nullable))
        }}
      />
      {unit && <span className="soft">{unit}</span>}
    </span>
  )
}

export function Select(props: InputProps) {
  const { schema, value, nullable, onChange, required } = props
  const labels = schema['x-ui']?.enum_labels ?? {}
  const options = schema.enum ?? []
  const at = options.findIndex((option) => option === value)
  return (
    <select
      {...attributes(props)}
      value={at}
      onChange={({ target }) =>
        onChange(Number(target.value) < 0 ? (nullable ? null : undefined) : options[Number(target.value)])
      }
    >
      {(at < 0 || nullable || !required) && schema.default === undefined && (
        <option value={-1}>{t(nullable ? 'form.none.choice' : 'form.choose')}</option>
      )}
      {at < 0 && schema.default !== undefined && <option value={-1}>{said(value)}</option>}
      {options.map((option, index) => (
        <option key={index} value={index}>
          {labels[String(option)] ?? (String(option) || t('form.automatic'))}
        </option>
      ))}
    </select>
  )
}

export function Segmented({ schema, value, onChange, label, described }: InputProps) {
  const name = useId()
  const labels = schema['x-ui']?.enum_labels ?? {}
  return (
    <div className="segmented" role="radiogroup" aria-label={label} aria-describedby={described}>
      {(schema.enum ?? []).map((option) => (
        <label key={String(option)}>
          <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
          <span>{labels[String(option)] ?? String(option)}</span>
        </label>
      ))}
    </div>
  )
}

/** A secret goes in and never comes out; what is set stays until it is replaced. */
export function SecretInput(props: InputProps) {
  const { value, onChange } = props
  const stored = isObject(value) && Boolean(value.set)
  const [replacing, setReplacing] = useState(false)
  if (stored && !replacing) {
    return (
      <span className="row">
        <input
          {...attributes(props)}
          readOnly
          value={t('form.secret', { hint: typeof value.hint === 'string' ? value.hint : '••••••••' })}
        />
        <button type="button" className="button" onClick={() => setReplacing(true)}>
          {t('form.replace')}
        </button>
      </span>
    )
  }
  return (
    <input
      type="password"
      {...attributes(props)}
      autoComplete="new-password"
      value={typeof value === 'string' ? value : ''}
      placeholder={stored ? t('form.secret.keep') : undefined}
      onChange={({ target }) => onChange(target.value || undefined)}
    />
  )
}

type KindName = 'string' | 'integer' | 'number' | 'boolean' | 'null'
const kindOf = (value: Json | undefined, types: string[]): KindName => {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number') return types.includes('integer') && Number.isInteger(value) ? 'integer' : 'number'
  return typeof value === 'boolean' ? 'boolean' : 'string'
}

/** A value of one of several plain types: the type is chosen, so that 2024 and "2024" are not mixed up. */
export function Scalar(props: InputProps) {
  const { schema, nullable, value, onChange, label } = props
  const types = schema.type as string[]
  const offered = [...(nullable ? ['null'] : []), ...types] as KindName[]
  const [kind, setKind] = useState<KindName>(() =>
    (value === undefined || value === null) && !nullable ? (types[0] as KindName) : kindOf(value, types),
  )
  const choose = (next: KindName) => {
    setKind(next)
    if (next === 'null') onChange(null)
    else if (next === 'boolean') onChange(Boolean(value))
    else if (next === 'string') onChange(said(value))
    else onChange(numberOf(said(value), next === 'integer', nullable) ?? null)
  }
  const inner = { ...props, schema: { ...schema, type: kind, default: undefined } }
  return (
    <span className="row">
      <select
        className="fit"
        aria-label={t('form.typeOf', { label })}
        value={kind}
        onChange={({ target }) => choose(target.value as KindName)}
      >
        {offered.map((one) => (
          <option key={one} value={one}>
            {t(`form.kind.${one}`)}
          </option>
        ))}
      </select>
      {kind === 'string' && <TextInput {...inner} nullable={false} />}
      {(kind === 'integer' || kind === 'number') && <NumberInput {...inner} />}
      {kind === 'boolean' && (
        <input
          type="checkbox"
          {...attributes(props)}
          checked={Boolean(value)}
          onChange={({ target }) => onChange(target.checked)}
        />
      )}
      {kind === 'null' && <input {...attributes(props)} readOnly value="" placeholder={t('form.unset')} />}
    </span>
  )
}

/** Values the server or the steps before offer for a field. */
export function useOffers({ schema, path }: Pick<InputProps, 'schema' | 'path'>) {
  const { options, columns, root, scope, onFocus } = useForm()
  const [here, setHere] = useState(false)
  const hints = schema['x-ui'] ?? {}
  const asks = hints.options_from ?? (hints.widget === 'connection' ? 'connection' : '')
  const depends = (hints.depends_on ?? (asks === 'columns' ? ['connection', 'stream'] : [])).map(
    (name) => root[name] ?? null,
  )
  const found = useQuery({
    queryKey: ['options', scope, path, depends],
    queryFn: () => options?.(path, root) ?? Promise.resolve([]),
    enabled: Boolean(asks && options) && (here || !onFocus) && depends.every((one) => one !== null && one !== ''),
    retry: false,
    staleTime: 30_000,
  })
  const upstream = !asks && hints.widget === 'columns' ? (columns?.(hints.port ?? '') ?? []) : []
  const listed: Option[] = asks ? (found.data ?? []) : upstream.map((value) => ({ value, label: value }))
  const focus = { onFocusCapture: () => setHere(true), onBlurCapture: () => setHere(false) }
  return { listed, error: found.error, again: () => void found.refetch(), loading: found.isFetching, focus }
}

export function Chooser(props: InputProps) {
  const { value, onChange, schema } = props
  const { listed, error, again, loading, focus } = useOffers(props)
  const list = useId()
  const exact = schema['x-ui']?.widget === 'connection'
  const trouble = error && (
    <p className="field-error">
      {error.message}{' '}
      <button type="button" className="link" onClick={again}>
        {t('app.again')}
      </button>
    </p>
  )
  if (exact) {
    const known = listed.some((one) => one.value === value)
    return (
      <>
        <select
          {...attributes(props)}
          {...focus}
          value={said(value)}
          onChange={({ target }) => onChange(target.value || undefined)}
        >
          <option value="">
            {loading ? t('form.loading') : listed.length ? t('form.connection') : t('form.connection.none')}
          </option>
          {!known && Boolean(value) && <option value={said(value)}>{said(value)}</option>}
          {listed.map((one) => (
            <option key={one.value} value={one.value}>
              {one.label}
            </option>
          ))}
        </select>
        {trouble}
      </>
    )
  }
  return (
    <>
      <input
        {...attributes(props)}
        {...focus}
        list={list}
        autoComplete="off"
        spellCheck={false}
        placeholder={loading ? t('form.loading') : example(props)}
        value={said(value)}
        onChange={({ target }) => onChange(target.value)}
      />
      <datalist id={list}>
        {listed.map((one) => (
          <option key={one.value} value={one.value}>
            {one.hint}
          </option>
        ))}
      </datalist>
      {trouble}
    </>
  )
}
