// The typed way to the API: `call('GET /flows/{flow_id}', { path: { flow_id }, query: { … } })`.
import { request } from './client'
import type { Operations } from './operations.gen'

type Operation = keyof Operations
type Names<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never
type PathPart<O extends Operation> = [Names<O>] extends [never] ? { path?: never } : { path: Record<Names<O>, string> }
type QueryPart<O extends Operation> = Operations[O] extends { query: infer Query }
  ? { query?: Query }
  : { query?: never }
type BodyPart<O extends Operation> = Operations[O] extends { body: infer Body } ? { body: Body } : { body?: never }
export type Asked<O extends Operation> = PathPart<O> & QueryPart<O> & BodyPart<O> & { version?: number }
export type Answer<O extends Operation> = Operations[O]['data']
type Rest<O extends Operation> = {} extends Asked<O> ? [asked?: Asked<O>] : [asked: Asked<O>]

type Loose = { path?: Record<string, string>; query?: Record<string, unknown>; body?: unknown; version?: number }

/** What an operation answers, with the pages that a list has. `version` is the `row_version` that a change is based on. */
export function listed<O extends Operation>(operation: O, ...[asked]: Rest<O>) {
  const { path = {}, query = {}, body, version } = (asked ?? {}) as Loose
  const [method = 'GET', pattern = ''] = operation.split(' ')
  const named = new Map(Object.entries(path))
  const place = pattern.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(named.get(name) ?? ''))
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return request<Answer<O>>(method, search ? `${place}?${search}` : place, body, version)
}

/** What an operation answers. Raises `ApiError`. */
export async function call<O extends Operation>(operation: O, ...rest: Rest<O>): Promise<Answer<O>> {
  return (await listed(operation, ...rest)).data
}
