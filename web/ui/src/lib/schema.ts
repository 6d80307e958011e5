// Pure reading of form schemas: what is nullable, which fields show, what a choice of variant keeps, what is sent.
import type { Json, Rule, Schema, Value } from '../api/types'
import { t } from './text'

export const isObject = (value: unknown): value is Value =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Loose = Schema & { anyOf?: Schema[]; nullable?: boolean }

/** The schema with its null taken apart: `anyOf` with null, a type list with null, `nullable`, or our hint. */
export function plain(given: Schema): { schema: Schema; nullable: boolean } {
  const { anyOf, nullable, ...rest } = given as Loose
  let schema: Schema = rest
  let found = Boolean(nullable || given['x-ui']?.nullable)
  if (anyOf) {
    const real = anyOf.filter((option) => option.type !== 'null')
    found ||= real.length < anyOf.length
    schema = real.length === 1 ? { ...real[0], ...rest } : { ...rest, oneOf: real }
  }
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((type) => type !== 'null')
    found ||= types.length < schema.type.length
    schema = { ...schema, type: types.length === 1 ? types[0] : types }
  }
  return { schema, nullable: found }
}

/** What typed text means for a number: empty is null or absent, text that is no number stays text for the server. */
export function numberOf(text: string, integer: boolean, nullable: boolean): Json | undefined {
  const trimmed = text.trim()
  if (!trimmed) return nullable ? null : undefined
  const value = Number(trimmed)
  return Number.isFinite(value) && (!integer || Number.isInteger(value)) ? value : text
}

/** What is wrong with a value before the server sees it, in words; '' when nothing is. */
export function complaint(given: Schema, value: Json | undefined, required: boolean): string {
  const { schema, nullable } = plain(given)
  if (value === undefined || value === null || value === '') return required && !nullable ? t('work.fill') : ''
  const numeric = schema.type === 'integer' || schema.type === 'number'
  if (!numeric) return ''
  if (typeof value !== 'number') return schema.type === 'integer' ? t('work.wholeNumber') : t('work.number')
  if (schema.minimum !== undefined && value < schema.minimum) return t('work.least', { limit: schema.minimum })
  if (schema.maximum !== undefined && value > schema.maximum) return t('work.most', { limit: schema.maximum })
  return ''
}

/** The value a new field starts with; undefined leaves it out. */
export function initial(given: Schema): Json | undefined {
  const { schema, nullable } = plain(given)
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (nullable) return null
  if (schema.oneOf?.[0]) return initial(schema.oneOf[0])
  if (schema.type !== 'object' || !schema.properties) return undefined
  const made: Value = {}
  for (const [name, part] of Object.entries(schema.properties)) {
    const value = schema.required?.includes(name) || part.const !== undefined ? initial(part) : undefined
    if (value !== undefined) made[name] = value
  }
  return made
}

const tagOf = (option: Schema): [string, Json] | undefined => {
  const found = Object.entries(option.properties ?? {}).find(([, part]) => part.const !== undefined)
  return found && [found[0], found[1].const as Json]
}

/** Which of the variants a value is. */
export function variantOf(options: Schema[], value: Json | undefined): number {
  if (!isObject(value)) return 0
  const found = options.findIndex((option) => {
    const tag = tagOf(option)
    return tag && value[tag[0]] === tag[1]
  })
  return Math.max(0, found)
}

export const variantTitle = (option: Schema, index: number): string =>
  option.title ?? String(tagOf(option)?.[1] ?? t('work.choice', { number: index + 1 }))

const typeOf = (schema: Schema | undefined) =>
  schema && JSON.stringify([plain(schema).schema.type, schema.enum ?? null])

/** The value as another variant: what both have under the same name and type is kept, the rest begins anew. */
export function switchVariant(options: Schema[], to: number, value: Json | undefined): Value {
  const next = options[to]
  if (!next) return {}
  const before = options[variantOf(options, value)]
  const made = (initial(next) ?? {}) as Value
  const kept = isObject(value) ? Object.entries(value) : []
  for (const [name, held] of kept) {
    const there = next.properties?.[name]
    if (there && there.const === undefined && typeOf(there) === typeOf(before?.properties?.[name])) made[name] = held
  }
  return made
}

/** Whether a rule of `visible_if` holds; paths go up with `../`. */
export function holds(rule: Rule | undefined, place: Value, parents: Value[] = []): boolean {
  if (!rule) return true
  return Object.entries(rule).every(([key, wanted]) => {
    if (key === 'not') return !holds(wanted as Rule, place, parents)
    if (key === 'all') return (wanted as Rule[]).every((part) => holds(part, place, parents))
    if (key === 'any') return (wanted as Rule[]).some((part) => holds(part, place, parents))
    if (key.startsWith('../')) return holds({ [key.slice(3)]: wanted }, parents.at(-1) ?? {}, parents.slice(0, -1))
    const value = key.split('.').reduce<Json | undefined>((at, part) => (isObject(at) ? at[part] : undefined), place)
    return Array.isArray(wanted) ? wanted.includes(value ?? null) : value === wanted
  })
}

const withDefaults = (schema: Schema, value: Value): Value => {
  const defaults = Object.entries(schema.properties ?? {}).filter(
    ([name, part]) => !(name in value) && part.default !== undefined,
  )
  return { ...Object.fromEntries(defaults.map(([name, part]) => [name, part.default as Json])), ...value }
}

/** Whether a field shows: defaults count as set, and what is hidden itself does not count. */
export function shows(schema: Schema, name: string, value: Value, parents: Value[], asked: string[] = []): boolean {
  const rule = schema.properties?.[name]?.['x-ui']?.visible_if
  if (!rule) return true
  const hidden = named(rule).filter(
    (other) => !asked.includes(other) && !shows(schema, other, value, parents, [...asked, name]),
  )
  const place = Object.entries(withDefaults(schema, value)).filter(([other]) => !hidden.includes(other))
  return holds(rule, Object.fromEntries(place), parents)
}

const named = (rule: Rule): string[] =>
  Object.entries(rule).flatMap(([key, wanted]) =>
    key === 'not'
      ? named(wanted as Rule)
      : key === 'all' || key === 'any'
        ? (wanted as Rule[]).flatMap(named)
        : [key.split('.')[0] ?? ''],
  )

/** What is sent: hidden fields are left out, at any depth. */
export function sent(given: Schema, value: Json | undefined, parents: Value[] = []): Json | undefined {
  const { schema } = plain(given)
  if (schema.oneOf) {
    const option = schema.oneOf[variantOf(schema.oneOf, value)]
    return option ? sent(option, value, parents) : value
  }
  if (!schema.properties || !isObject(value)) return value
  const made: Value = {}
  for (const [name, held] of Object.entries(value)) {
    const part = schema.properties[name]
    if (part && !shows(schema, name, value, parents)) continue
    const kept = part ? sent(part, held, [...parents, value]) : held
    if (kept !== undefined) made[name] = kept
  }
  return made
}

/** Properties in the order the plugin wants. */
export function ordered(schema: Schema): [string, Schema][] {
  const listed = Object.entries(schema.properties ?? {})
  return listed
    .map(([name, part], index) => ({ name, part, at: part['x-ui']?.order ?? 100 + index, index }))
    .sort((a, b) => a.at - b.at || a.index - b.index)
    .map(({ name, part }): [string, Schema] => [name, part])
}

/** Errors of an answer by the path of their field: `$.keys[0].left` is `keys.0.left`. */
export function errorsByPath(listed: { path: string; message: string }[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { path, message } of listed) {
    const at = path
      .replace(/\[(\d+)\]/g, '.$1')
      .replace(/^\$\.?/, '')
      .replace(/^config\b\.?/, '')
    const missing = /missing required field `([^`]+)`/.exec(message)?.[1]
    const where = [at, missing].filter(Boolean).join('.')
    found[where] ??= missing ? t('work.fill') : message
  }
  return found
}

/** Required fields that are empty, by path, as far as they show; the server still has the last word. */
export function missing(
  given: Schema,
  value: Json | undefined,
  path = '',
  parents: Value[] = [],
): Record<string, string> {
  const { schema } = plain(given)
  const shape = schema.oneOf ? schema.oneOf[variantOf(schema.oneOf, value)] : schema
  if (!shape?.properties || !isObject(value)) return {}
  const found: Record<string, string> = {}
  for (const [name, part] of Object.entries(shape.properties)) {
    if (!shows(shape, name, value, parents)) continue
    const at = path ? `${path}.${name}` : name
    const said = complaint(part, value[name] ?? part.default, shape.required?.includes(name) ?? false)
    if (said) found[at] = said
    else Object.assign(found, missing(part, value[name], at, [...parents, value]))
  }
  return found
}
