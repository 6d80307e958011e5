// A form from a schema: groups, advanced fields folded away, errors at their field.
import type { Json, Schema, Value } from '../api/types'
import { isObject, ordered, plain, shows } from '../lib/schema'
import { t } from '../lib/text'
import type { Surroundings } from './context'
import { FormContext, errorAt } from './context'
import { Field } from './field'

type Props = Omit<Surroundings, 'root'> & { schema: Schema; value: Value; onChange: (value: Value) => void }

/** The whole form; the page around it owns the form element and the submit button. */
export function SchemaForm({ schema, value, onChange, ...around }: Props) {
  const general = Object.entries(around.errors).filter(([path]) => !shown(schema, path, value))
  return (
    <FormContext value={{ ...around, root: value }}>
      {general.length > 0 && (
        <div className="notice" data-tone="error" role="alert">
          {general.map(([path, message]) => (
            <p key={path}>
              {path ? (
                <>
                  <code>{path}</code>: {message}
                </>
              ) : (
                message
              )}
            </p>
          ))}
        </div>
      )}
      <Fields schema={schema} value={value} path="" parents={[]} onChange={onChange} />
    </FormContext>
  )
}

const shown = (schema: Schema, path: string, value: Value) => {
  const [name = ''] = path.split('.')
  return Boolean(schema.properties?.[name]) && shows(schema, name, value, [])
}

type FieldsProps = { schema: Schema; value: Value; path: string; parents: Value[]; onChange: (value: Value) => void }

/** The fields of one object. */
export function Fields({ schema, value, path, parents, onChange }: FieldsProps) {
  const visible = ordered(schema).filter(
    ([name, part]) => part.const === undefined && shows(schema, name, value, parents),
  )
  const advanced = visible.filter(([, part]) => part['x-ui']?.advanced)
  const field = ([name, part]: [string, Schema]) => (
    <Field
      key={name}
      name={name}
      schema={part}
      path={path ? `${path}.${name}` : name}
      parents={[...parents, value]}
      required={schema.required?.includes(name) ?? false}
      value={value[name]}
      onChange={(next: Json | undefined) => {
        const { [name]: _gone, ...rest } = value
        onChange(next === undefined ? rest : { ...value, [name]: next })
      }}
    />
  )
  return (
    <>
      {visible.filter((one) => !advanced.includes(one)).map(field)}
      {advanced.length > 0 && (
        <Advanced parts={advanced} path={path} value={value}>
          {advanced.map(field)}
        </Advanced>
      )}
    </>
  )
}

function Advanced({
  parts,
  path,
  value,
  children,
}: {
  parts: [string, Schema][]
  path: string
  value: Value
  children: React.ReactNode
}) {
  const used = parts.some(([name, part]) => {
    const held = value[name]
    return held !== undefined && held !== null && JSON.stringify(held) !== JSON.stringify(part.default)
  })
  return (
    <FormContext.Consumer>
      {({ errors }) => {
        const wrong = parts.some(([name]) => errorAt(errors, path ? `${path}.${name}` : name))
        return (
          <details className="advanced" open={used || wrong}>
            <summary>{t('form.advanced', { n: parts.length })}</summary>
            {children}
          </details>
        )
      }}
    </FormContext.Consumer>
  )
}

export const asObject = (schema: Schema, value: Json | undefined): Value =>
  isObject(value) ? value : isObject(plain(schema).schema.default) ? (plain(schema).schema.default as Value) : {}
