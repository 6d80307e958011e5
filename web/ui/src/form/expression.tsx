// Expressions in a form: SQL over columns, and texts that are filled in when the step runs; both with their value beside them.
import { useQuery } from '@tanstack/react-query'
import { SquareFunction } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { Json } from '../api/types'
import { count } from '../lib/format'
import { t } from '../lib/text'
import { useForm } from './context'
import type { Language } from './context'
import type { InputProps } from './field'
import { Area, Chooser, TextInput } from './inputs'

const QUIET_MS = 350
const quoted = (name: string) => (/^[a-z_]\w*$/i.test(name) ? name : `"${name.replaceAll('"', '""')}"`)
const holds = (value: Json | undefined) => typeof value === 'string' && value.includes('{{')

/** An expression over columns; those that reach the step are offered and put in where the caret is. */
export function Expression(props: InputProps) {
  const { columns } = useForm()
  const names = columns?.(props.schema['x-ui']?.port ?? '') ?? []
  return (
    <>
      <Area {...props} />
      <Value props={props} language="sql" />
      <Insert
        props={props}
        names={names}
        words={[t('form.insert'), t('form.insertIn', { label: props.label })]}
        text={quoted}
      />
    </>
  )
}

/** A text: as it is written, or with `{{ … }}` that is filled in when the step runs. */
export function Templated(props: InputProps) {
  const { readOnly, names } = useForm()
  const { value, onChange, label, schema } = props
  const [open, setOpen] = useState(holds(value))
  const on = open || holds(value)
  const widget = schema['x-ui']?.widget ?? ''
  const Fixed = ['textarea', 'json'].includes(widget)
    ? Area
    : widget === 'stream' || schema['x-ui']?.options_from
      ? Chooser
      : TextInput
  const found = useValue(props, 'text', on && holds(value))
  const turn = () => {
    if (on && holds(value)) onChange(typeof found.data?.value === 'string' ? found.data.value : '')
    setOpen(!on)
    requestAnimationFrame(() => document.getElementById(props.id)?.focus())
  }
  return (
    <>
      <div className="templated" data-on={on || undefined}>
        {on ? (
          <Area
            {...props}
            schema={{
              ...schema,
              'x-ui': { ...schema['x-ui'], rows: widget === 'textarea' ? 3 : 1, placeholder: '{{ params.day }}' },
            }}
          />
        ) : (
          <div className="templated-fixed">
            <Fixed {...props} />
          </div>
        )}
        {!readOnly && (
          <button
            type="button"
            className="icon-button fx"
            aria-pressed={on}
            aria-label={t('form.fx')}
            title={t(on ? 'form.fx.off' : 'form.fx.on')}
            onClick={turn}
          >
            <SquareFunction size={16} aria-hidden="true" />
          </button>
        )}
      </div>
      {on && <Value props={props} language="text" />}
      {on && (
        <Insert
          props={props}
          names={names ?? []}
          words={[t('form.fx.insert'), t('form.fx.insertIn', { label })]}
          text={(name) => `{{ ${name} }}`}
        />
      )}
    </>
  )
}

function Insert({
  props,
  names,
  words,
  text,
}: {
  props: InputProps
  names: string[]
  words: [string, string]
  text: (name: string) => string
}) {
  const { readOnly } = useForm()
  if (!names.length || readOnly) return null
  const insert = (name: string) => {
    document.getElementById(props.id)?.focus()
    document.execCommand('insertText', false, text(name))
  }
  return (
    <select className="insert" aria-label={words[1]} value="" onChange={({ target }) => insert(target.value)}>
      <option value="" disabled>
        {words[0]}
      </option>
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  )
}

/** What the server makes of it, a moment after the last change. */
function useValue({ value, schema }: InputProps, language: Language, wanted = true) {
  const { tryOut, scope } = useForm()
  const [text, setText] = useState(typeof value === 'string' ? value : '')
  useEffect(() => {
    const timer = setTimeout(() => setText(typeof value === 'string' ? value : ''), QUIET_MS)
    return () => clearTimeout(timer)
  }, [value])
  const port = schema['x-ui']?.port ?? ''
  return useQuery({
    queryKey: ['try', scope, tryOut?.stamp, language, port, text],
    retry: false,
    staleTime: 30_000,
    queryFn: () => tryOut?.ask(text, language, port) ?? Promise.reject(new Error()),
    enabled: Boolean(wanted && tryOut && text.trim()),
    placeholderData: (before) => before,
  })
}

const shown = (value: Json | undefined) =>
  value === null || value === undefined ? 'null' : typeof value === 'object' ? JSON.stringify(value) : String(value)

function Value({ props, language }: { props: InputProps; language: Language }) {
  const { data, isFetching } = useValue(props, language, language === 'sql' || holds(props.value))
  if (!data || typeof props.value !== 'string' || !props.value.trim() || (language === 'text' && !holds(props.value)))
    return null
  if (data.problem)
    return props.invalid ? null : (
      <p className="tried" data-tone="error" role="status">
        {data.problem}
      </p>
    )
  if (language === 'sql' && !data.rows)
    return (
      <p className="tried" role="status">
        {t('form.fx.none')}
      </p>
    )
  const over =
    language === 'text'
      ? t('form.fx.gives')
      : data.rows > 1
        ? t('form.fx.over', { rows: count(data.rows) })
        : t('form.fx.first')
  return (
    <p className="tried" role="status" aria-busy={isFetching || undefined}>
      <span>{over}</span>
      <code data-null={data.value === null || undefined} title={shown(data.value)}>
        {shown(data.value)}
      </code>
    </p>
  )
}
