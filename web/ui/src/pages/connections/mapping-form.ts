// A mapping as a form: what is asked for, from the API's shape to it and back. Pure.
import type { Column, Schema, Value } from '../../api/types'
import type { MappingOut } from '../../api/types.gen'
import { isObject } from '../../lib/schema'
import { t } from '../../lib/text'
import type { Stream } from './data'

export const KINDS = ['equipment_status', 'measurement_data'] as const
export type Kind = (typeof KINDS)[number]
type Part = { name: string; type: Column['type']; needed?: true }
export const PARTS: Record<Kind, Part[]> = {
  equipment_status: [
    { name: 'equipment_code', type: 'string', needed: true },
    { name: 'status', type: 'string', needed: true },
    { name: 'equipment_name', type: 'string' },
    { name: 'equipment_type', type: 'string' },
    { name: 'last_run_time', type: 'datetime' },
  ],
  measurement_data: [
    { name: 'equipment_code', type: 'string', needed: true },
    { name: 'measurement_code', type: 'string', needed: true },
    { name: 'measurement_value', type: 'decimal', needed: true },
    { name: 'timestamp', type: 'datetime', needed: true },
    { name: 'measurement_desc', type: 'string' },
    { name: 'equipment_type', type: 'string' },
  ],
}
const word = (name: string) => t(`connections.map.${name}`)
const labels = (names: string[]) => Object.fromEntries(names.map((one) => [one, word(one)]))

/** The columns to choose from: of the chosen table, where they are known. */
const columnsOf = (value: Value, streams: Stream[]) =>
  value.from === 'query'
    ? []
    : (streams.find(({ name }) => name === value.table)?.columns.map(({ name }) => name) ?? [])

export function schemaOf(kind: Kind, value: Value, streams: Stream[]): Schema {
  const found = columnsOf(value, streams)
  const held = isObject(value.columns) ? value.columns : {}
  const tables = [
    ...new Set([
      ...streams.map(({ name }) => name),
      ...(typeof value.table === 'string' && value.table ? [value.table] : []),
    ]),
  ]
  const column = ({ name, needed }: Part): Schema => {
    const own = held[name]
    const nullable = !needed
    const choices = typeof own === 'string' && own && !found.includes(own) ? [own, ...found] : found
    return {
      title: word(name),
      type: 'string',
      ...(found.length
        ? { enum: choices, 'x-ui': { nullable } }
        : { maxLength: 255, 'x-ui': { nullable, placeholder: name } }),
    }
  }
  const parts = PARTS[kind]
  const inKind = (name: string) => parts.some((one) => one.name === name)
  const properties: Record<string, Schema> = {
    from: {
      title: word('from'),
      type: 'string',
      enum: ['table', 'query'],
      default: 'table',
      'x-ui': { widget: 'segmented', enum_labels: labels(['table', 'query']) },
    },
    table: {
      title: word('table'),
      type: 'string',
      ...(streams.length ? { enum: tables } : { maxLength: 255, 'x-ui': { placeholder: 'plant.machines' } }),
    },
    query: {
      title: word('query'),
      description: word('query.help'),
      type: 'string',
      'x-ui': { widget: 'code', language: 'sql' },
    },
    columns: {
      title: word('columns'),
      description: word('columns.help'),
      type: 'object',
      properties: Object.fromEntries(parts.map((one) => [one.name, column(one)])),
      required: parts.filter(({ needed }) => needed).map(({ name }) => name),
    },
    ...(inKind('equipment_type')
      ? {
          equipment_types: {
            title: word('equipment_types'),
            type: 'array',
            items: { type: 'string' },
            'x-ui': { widget: 'tags', placeholder: word('every') },
          },
        }
      : {}),
    ...(inKind('status')
      ? {
          status_filter: {
            title: word('status_filter'),
            type: 'array',
            items: { type: 'string' },
            'x-ui': { widget: 'tags', placeholder: word('every') },
          },
        }
      : {}),
    period: {
      title: word('period'),
      type: 'string',
      enum: ['always', 'last', 'between'],
      default: 'always',
      'x-ui': { widget: 'segmented', enum_labels: labels(['always', 'last', 'between']) },
    },
    last_seconds: {
      title: word('last_seconds'),
      type: 'integer',
      minimum: 1,
      maximum: 31_622_400,
      'x-ui': { unit: 's' },
    },
    since: { title: word('since'), type: 'string', format: 'date-time' },
    until: { title: word('until'), type: 'string', format: 'date-time' },
    order: {
      title: word('order'),
      type: 'array',
      items: {
        type: 'object',
        required: ['field'],
        properties: {
          field: {
            title: word('field'),
            type: 'string',
            enum: parts.map(({ name }) => name),
            'x-ui': { enum_labels: labels(parts.map(({ name }) => name)) },
          },
          direction: {
            title: word('direction'),
            type: 'string',
            enum: ['ASC', 'DESC'],
            default: 'ASC',
            'x-ui': { widget: 'segmented', enum_labels: { ASC: word('asc'), DESC: word('desc') } },
          },
        },
      },
    },
    cache_duration: {
      title: word('cache'),
      description: word('cache.help'),
      type: 'integer',
      minimum: 0,
      maximum: 86_400,
      default: 300,
      'x-ui': { advanced: true, unit: 's' },
    },
    max_records: {
      title: word('most'),
      type: 'integer',
      minimum: 1,
      maximum: 10_000,
      default: 1_000,
      'x-ui': { advanced: true, unit: t('connections.rows') },
    },
  }
  const only = (name: string, rule: Record<string, string>) => {
    const part = properties[name]
    if (part) part['x-ui'] = { ...part['x-ui'], visible_if: rule }
  }
  only('table', { from: 'table' })
  only('query', { from: 'query' })
  only('last_seconds', { period: 'last' })
  only('since', { period: 'between' })
  only('until', { period: 'between' })
  const order = Object.keys(properties)
  for (const [name, part] of Object.entries(properties)) part['x-ui'] = { ...part['x-ui'], order: order.indexOf(name) }
  return { type: 'object', properties, required: ['table', 'query', 'last_seconds'] }
}

/** Columns that are called like a field, in whatever case, or nearly so. */
export function guessed(kind: Kind, stream: Stream | undefined): Value {
  const bare = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')
  return Object.fromEntries(
    PARTS[kind].flatMap(({ name }) => {
      const found =
        stream?.columns.find((one) => bare(one.name) === bare(name))
        ?? stream?.columns.find((one) => bare(name).endsWith(bare(one.name)))
      return found ? [[name, found.name]] : []
    }),
  )
}

export function fromStored(kind: Kind, stored: MappingOut | undefined): Value {
  if (!stored)
    return { from: 'table', columns: {}, period: 'always', order: [], cache_duration: 300, max_records: 1_000 }
  const { equipment_types = [], status_filter = [], time_range } = stored.filter_conditions
  const named = Object.keys(stored.source_field_mappings).length
    ? stored.source_field_mappings
    : Object.fromEntries(PARTS[kind].map(({ name }) => [name, name]))
  const sorted = stored.order_by_clause
    .split(',')
    .map((one) => one.trim().split(/\s+/))
    .filter(([field]) => field)
  return {
    from: stored.base_query ? 'query' : 'table',
    table: stored.source_table_name,
    query: stored.base_query,
    columns: named,
    equipment_types,
    status_filter,
    period: !time_range ? 'always' : time_range.last_seconds ? 'last' : 'between',
    last_seconds: time_range?.last_seconds ?? null,
    since: time_range?.from ?? null,
    until: time_range?.to ?? null,
    order: sorted.map(([field = '', direction = 'ASC']) => ({ field, direction: direction.toUpperCase() })),
    cache_duration: stored.cache_duration,
    max_records: stored.max_records,
  }
}

type Sent = {
  source_table_name: string
  base_query: string
  source_field_mappings: Record<string, string>
  filter_conditions: NonNullable<MappingOut['filter_conditions']>
  order_by_clause: string
  cache_duration: number
  max_records: number
}
const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : [])
const text = (value: unknown) => (typeof value === 'string' ? value : '')

export function toSend(value: Value): Sent {
  const query = value.from === 'query'
  const columns = isObject(value.columns) ? value.columns : {}
  const range =
    value.period === 'last'
      ? { from: null, to: null, last_seconds: Number(value.last_seconds) }
      : value.period === 'between'
        ? { from: text(value.since) || null, to: text(value.until) || null, last_seconds: null }
        : null
  const order = Array.isArray(value.order) ? value.order.filter(isObject) : []
  return {
    source_table_name: query ? '' : text(value.table),
    base_query: query ? text(value.query) : '',
    source_field_mappings: Object.fromEntries(
      Object.entries(columns).flatMap(([name, one]) => (typeof one === 'string' && one ? [[name, one]] : [])),
    ),
    filter_conditions: {
      equipment_types: texts(value.equipment_types),
      status_filter: texts(value.status_filter),
      time_range: range,
    },
    order_by_clause: order
      .filter(({ field }) => field)
      .map(({ field, direction }) => `${text(field)} ${text(direction) || 'ASC'}`)
      .join(', '),
    cache_duration: Number(value.cache_duration ?? 300),
    max_records: Number(value.max_records ?? 1_000),
  }
}

/** Where the form shows what the API says of its fields. */
export const PLACES: Record<string, string> = {
  source_table_name: 'table',
  base_query: 'query',
  source_field_mappings: 'columns',
  order_by_clause: 'order',
  cache_duration: 'cache_duration',
  max_records: 'max_records',
}
