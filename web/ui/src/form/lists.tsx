// Widgets for several values: tags, columns, rows of small objects, names with values.
import { ArrowDown, ArrowUp, Plus, X } from 'lucide-react'
import { useId, useState } from 'react'
import type { Json, Schema, Value } from '../api/types'
import { initial, isObject, plain } from '../lib/schema'
import { t } from '../lib/text'
import { errorAt, useForm } from './context'
import type { InputProps } from './field'
import { Input } from './field'
import { Fields } from './form'
import { useOffers } from './inputs'

/** What was just added before a button gets the focus. */
const enter = (button: Element) =>
  requestAnimationFrame(() =>
    button.previousElementSibling?.querySelector<HTMLElement>('input, select, textarea')?.focus(),
  )

const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])

function Chips({ props, offers, focus }: { props: InputProps; offers: string[]; focus?: object }) {
  const { value, onChange, id, label, described, schema } = props
  const items = listOf(value)
  const [text, setText] = useState('')
  const list = useId()
  const add = (given: string) => {
    const more = given
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part && !items.includes(part))
    if (more.length) onChange([...items, ...more])
    setText('')
  }
  return (
    <div className="chips">
      {items.map((item, index) => (
        <span key={index} className="chip">
          {String(item)}
          <button
            type="button"
            aria-label={t('form.remove', { what: String(item) })}
            onClick={() => onChange(items.filter((_, at) => at !== index))}
          >
            <X size={13} />
          </button>
        </span>
      ))}
      <input
        {...focus}
        id={id}
        list={list}
        aria-label={label}
        aria-describedby={described}
        autoComplete="off"
        spellCheck={false}
        value={text}
        placeholder={items.length ? t('form.more') : (schema['x-ui']?.placeholder ?? t('form.type'))}
        onChange={({ target }) => (offers.includes(target.value) ? add(target.value) : setText(target.value))}
        onBlur={() => add(text)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault()
            add(text)
          }
          if (event.key === 'Backspace' && !text && items.length) onChange(items.slice(0, -1))
        }}
      />
      <datalist id={list}>
        {offers
          .filter((one) => !items.includes(one))
          .map((one) => (
            <option key={one} value={one} />
          ))}
      </datalist>
    </div>
  )
}

export const Tags = (props: InputProps) => <Chips props={props} offers={[]} />

export function Choices(props: InputProps) {
  const { listed, error, again, focus } = useOffers(props)
  return (
    <>
      <Chips props={props} offers={listed.map((one) => one.value)} focus={focus} />
      {error && (
        <p className="field-error">
          {error.message}{' '}
          <button type="button" className="link" onClick={again}>
            {t('app.again')}
          </button>
        </p>
      )}
    </>
  )
}

/** A list of small objects, e.g. keys of a join: one card each, in an order that counts. */
export function Rows({ schema, value, onChange, path, label }: InputProps) {
  const { errors } = useForm()
  const items = listOf(value)
  const item = schema.items as Schema
  const replace = (at: number, next: Value) => onChange(items.map((one, index) => (index === at ? next : one)))
  const swap = (at: number, to: number) =>
    onChange(items.map((one, index) => items[index === at ? to : index === to ? at : index] ?? one))
  return (
    <div className="rows">
      {items.map((one, index) => (
        <div key={index} className="row-card" role="group" aria-label={`${label} ${index + 1}`}>
          <div className="row-fields">
            <Fields
              schema={item}
              value={isObject(one) ? one : {}}
              path={`${path}.${index}`}
              parents={[]}
              onChange={(next) => replace(index, next)}
            />
            {errorAt(errors, `${path}.${index}`) && (
              <p className="field-error" role="alert">
                {errorAt(errors, `${path}.${index}`)}
              </p>
            )}
          </div>
          <span className="row-tools">
            <button
              type="button"
              className="icon-button"
              aria-label={t('form.up', { label, at: String(index + 1) })}
              disabled={index === 0}
              onClick={() => swap(index, index - 1)}
            >
              <ArrowUp size={14} />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={t('form.down', { label, at: String(index + 1) })}
              disabled={index === items.length - 1}
              onClick={() => swap(index, index + 1)}
            >
              <ArrowDown size={14} />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={t('form.remove', { what: `${label} ${index + 1}` })}
              onClick={() => onChange(items.filter((_, at) => at !== index))}
            >
              <X size={15} />
            </button>
          </span>
        </div>
      ))}
      <button
        type="button"
        className="button"
        onClick={({ currentTarget }) => {
          onChange([...items, initial({ ...item, default: undefined }) ?? {}])
          enter(currentTarget)
        }}
      >
        <Plus size={15} aria-hidden="true" />
        {t('form.add')}
      </button>
    </div>
  )
}

/** Names with values; a name is taken over when the field is left, so that typing makes no half names. */
export function KeyValue(props: InputProps) {
  const { schema, value, onChange, path, label } = props
  const held = isObject(value) ? value : {}
  const part: Schema = isObject(schema.additionalProperties)
    ? (schema.additionalProperties as Schema)
    : { type: 'string' }
  const { schema: item, nullable } = plain(part)
  const names = Object.keys(held)
  const rename = (from: string, to: string) => {
    if (!to || to === from || to in held) return
    onChange(Object.fromEntries(Object.entries(held).map(([name, one]) => [name === from ? to : name, one])))
  }
  const fresh = () => {
    let number = 1
    while (`name${number}` in held) number += 1
    return `name${number}`
  }
  return (
    <div className="rows">
      {names.map((name) => (
        <div key={name} className="pair">
          <input
            aria-label={t('form.nameOf', { label })}
            defaultValue={name}
            spellCheck={false}
            onBlur={({ target }) => {
              rename(name, target.value.trim())
              target.value = target.value.trim() || name
            }}
          />
          <Input
            {...props}
            id={`${props.id}-${name}`}
            label={`${label} ${name}`}
            bare
            schema={item}
            nullable={nullable}
            value={held[name]}
            path={`${path}.${name}`}
            required={false}
            onChange={(next) => onChange({ ...held, [name]: next ?? (nullable ? null : '') })}
          />
          <button
            type="button"
            className="icon-button"
            aria-label={t('form.remove', { what: name })}
            onClick={() => {
              const { [name]: _gone, ...rest } = held
              onChange(rest)
            }}
          >
            <X size={15} />
          </button>
        </div>
      ))}
      <button
        type="button"
        className="button"
        onClick={({ currentTarget }) => {
          onChange({ ...held, [fresh()]: nullable ? null : (initial(item) ?? '') })
          enter(currentTarget)
        }}
      >
        <Plus size={15} aria-hidden="true" />
        {t('form.add')}
      </button>
    </div>
  )
}
