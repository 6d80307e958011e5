// One field: label, widget by schema and hint, help, error.
import { useEffect, useId, useState } from 'react'
import type { ComponentType } from 'react'
import { flushSync } from 'react-dom'
import type { Json, Schema, Value } from '../api/types'
import { coded } from '../kit/coded'
import { complaint, initial, isObject, plain, switchVariant, variantOf, variantTitle } from '../lib/schema'
import { t } from '../lib/text'
import { errorAt, useForm } from './context'
import { Fields, asObject } from './form'
import { Choices, KeyValue, Rows, Tags } from './lists'
import { Area, Chooser, NumberInput, Scalar, SecretInput, Segmented, Select, TextInput } from './inputs'

/** Parts that few forms need come when one does; what is typed until then stays, and so do focus and caret. */
function late(
  load: () => Promise<ComponentType<InputProps>>,
  meanwhile: ComponentType<InputProps>,
): ComponentType<InputProps> {
  let loaded: ComponentType<InputProps> | undefined
  return function Late(props) {
    const [Shown, show] = useState(() => loaded ?? meanwhile)
    useEffect(() => {
      if (loaded === Shown) return
      let gone = false
      void load().then((part) => {
        loaded = part
        if (!gone) inPlace(props.id, () => flushSync(() => show(() => part)))
      })
      return () => {
        gone = true
      }
    }, [Shown, props.id])
    return <Shown {...props} />
  }
}

/** Exchanges a field that somebody may be typing in. */
function inPlace(id: string, exchange: () => void) {
  const before = document.activeElement
  const caret =
    before?.id === id && (before instanceof HTMLInputElement || before instanceof HTMLTextAreaElement) ? before : null
  exchange()
  const after = document.getElementById(id)
  if (!caret || after === caret || !(after instanceof HTMLInputElement || after instanceof HTMLTextAreaElement)) return
  after.focus({ preventScroll: true })
  after.setSelectionRange(caret.selectionStart, caret.selectionEnd)
}
const CodeArea = late(() => import('./code').then((all) => all.CodeArea), Area)
const Expression = late(() => import('./expression').then((all) => all.Expression), Area)
const Templated = late(() => import('./expression').then((all) => all.Templated), TextInput)

export type FieldProps = {
  name: string
  schema: Schema
  path: string
  parents: Value[]
  required: boolean
  value: Json | undefined
  onChange: (value: Json | undefined) => void
}
export type InputProps = {
  id: string
  schema: Schema
  nullable: boolean
  value: Json | undefined
  onChange: (value: Json | undefined) => void
  described: string
  invalid: boolean
  required: boolean
  path: string
  label: string
  /** No label stands beside it that names it. */
  bare?: boolean
}

export function Field(props: FieldProps) {
  const { schema: given, name, path, parents, required, value, onChange } = props
  const { schema, nullable } = plain(given)
  const { errors } = useForm()
  const id = useId()
  const label = given.title ?? name.replaceAll('_', ' ')
  const widget = schema['x-ui']?.widget
  const wrong = errorAt(errors, path) || complaint(given, value, false)
  const notes = `${id}-notes`
  if (schema.oneOf) return <Variants {...props} label={label} wrong={wrong} />
  if (schema.type === 'object' && schema.properties && !['key-value'].includes(widget ?? '')) {
    return (
      <fieldset className="group">
        <legend>{label}</legend>
        {schema.description && <p className="help">{coded(schema.description)}</p>}
        {nullable && (
          <label className="check">
            <input
              type="checkbox"
              checked={isObject(value)}
              onChange={(event) =>
                onChange(event.target.checked ? (initial({ ...schema, 'x-ui': {}, default: undefined }) ?? {}) : null)
              }
            />{' '}
            {t('form.set')}
          </label>
        )}
        {(!nullable || isObject(value)) && (
          <Fields schema={schema} value={asObject(given, value)} path={path} parents={parents} onChange={onChange} />
        )}
        <Notes id={notes} error={wrong} />
      </fieldset>
    )
  }
  const shared: InputProps = {
    id,
    schema,
    nullable,
    value: value === undefined ? schema.default : value,
    onChange,
    described: notes,
    invalid: Boolean(wrong),
    required,
    path,
    label,
  }
  const grouped = ['array', 'object'].includes(String(schema.type)) || isSegmented(schema)
  if (schema.type === 'boolean') {
    return (
      <div className="field">
        <label className="check">
          <input
            type="checkbox"
            role={widget === 'switch' ? 'switch' : undefined}
            id={id}
            checked={Boolean(shared.value)}
            aria-describedby={notes}
            onChange={(event) => onChange(event.target.checked)}
          />{' '}
          {label}
        </label>
        <Notes id={notes} help={schema.description} error={wrong} />
      </div>
    )
  }
  const mark = required && !nullable && (
    <span className="required" aria-hidden="true">
      {' '}
      *
    </span>
  )
  return (
    <div className="field" role={grouped ? 'group' : undefined} aria-labelledby={grouped ? `${id}-label` : undefined}>
      {grouped ? (
        <span className="label" id={`${id}-label`}>
          {label}
          {mark}
        </span>
      ) : (
        <label htmlFor={id}>
          {label}
          {mark}
        </label>
      )}
      <Input {...shared} />
      <Notes id={notes} help={schema.description} error={wrong} />
    </div>
  )
}

/** Few choices stand side by side; more of them fold into a list. */
const isSegmented = (schema: Schema) => schema['x-ui']?.widget === 'segmented' && (schema.enum?.length ?? 0) < 5

function Notes({ id, help, error }: { id: string; help?: string; error?: string }) {
  return (
    <div id={id}>
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      {help && <p className="help">{coded(help)}</p>}
    </div>
  )
}

/** The widget for a value that is no object of its own. */
export function Input(props: InputProps) {
  const { schema } = props
  const { tryOut } = useForm()
  const widget = schema['x-ui']?.widget ?? ''
  if (schema.writeOnly || schema.format === 'password' || widget === 'secret') return <SecretInput {...props} />
  if (schema.enum) return isSegmented(schema) ? <Segmented {...props} /> : <Select {...props} />
  if (schema.type === 'array') {
    if (schema.items?.properties) return <Rows {...props} />
    return ['columns', 'stream'].includes(widget) || schema['x-ui']?.options_from ? (
      <Choices {...props} />
    ) : (
      <Tags {...props} />
    )
  }
  if (schema.type === 'object') return <KeyValue {...props} />
  if (Array.isArray(schema.type)) return <Scalar {...props} />
  if (schema.type === 'integer' || schema.type === 'number') return <NumberInput {...props} />
  if (tryOut && schema['x-ui']?.expression === 'allow') return <Templated {...props} />
  if (['connection', 'stream', 'columns'].includes(widget) || schema['x-ui']?.options_from)
    return <Chooser {...props} />
  if (widget === 'code') return <CodeArea {...props} />
  if (widget === 'expression' || widget === 'sql') return <Expression {...props} />
  if (['textarea', 'json'].includes(widget)) return <Area {...props} />
  return <TextInput {...props} />
}

function Variants({
  schema: given,
  path,
  parents,
  value,
  onChange,
  label,
  wrong,
}: FieldProps & { label: string; wrong: string }) {
  const { schema } = plain(given)
  const options = schema.oneOf ?? []
  const id = useId()
  const at = variantOf(options, value)
  const chosen = options[at]
  return (
    <fieldset className="group">
      <legend>{label}</legend>
      <div className="segmented" role="radiogroup" aria-label={label}>
        {options.map((option, index) => (
          <label key={index}>
            <input
              type="radio"
              name={id}
              checked={index === at}
              onChange={() => onChange(switchVariant(options, index, value ?? initial(given)))}
            />
            <span>{variantTitle(option, index)}</span>
          </label>
        ))}
      </div>
      <Notes id={`${id}-notes`} help={schema.description} error={wrong} />
      {chosen && (
        <Fields
          schema={chosen}
          value={isObject(value) ? value : ((initial(chosen) ?? {}) as Value)}
          path={path}
          parents={parents}
          onChange={onChange}
        />
      )}
    </fieldset>
  )
}
