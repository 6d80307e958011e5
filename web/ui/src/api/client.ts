// One way to the API: the cookie says who we are, a header guards against forged requests, errors keep their sentence.
import { t } from '../lib/text'
import { ended, isKnown } from './session'
import type { Pagination } from './types'

export type FieldError = { path: string; message: string }

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
  ) {
    super(message)
  }

  /** Messages by field, for a form; '' holds what belongs to no field. */
  get fields(): Record<string, string> {
    const listed = (this.details.errors as FieldError[] | undefined) ?? []
    if (!listed.length) return { '': this.message }
    return Object.fromEntries(listed.map(({ path, message }) => [path.replace(/^config\./, ''), message]))
  }
}

const cookie = (name: string) =>
  document.cookie
    .split('; ')
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? ''

type Answer<T> = { data: T; pagination?: Pagination; meta?: Record<string, unknown> }

export async function request<T>(method: string, path: string, body?: unknown, version?: number): Promise<Answer<T>> {
  const headers: Record<string, string> = { 'x-csrf-token': cookie('headrace_csrf') }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (version !== undefined) headers['if-match'] = `"${version}"`
  let answer: Response
  try {
    answer = await fetch(`/api/v1${path}`, { method, headers, body: body === undefined ? null : JSON.stringify(body) })
  } catch {
    throw new ApiError(0, 'OFFLINE', t('app.offline'))
  }
  const json = await answer.json().catch(() => ({}))
  if (answer.ok) {
    isKnown()
    return { data: json.data as T, pagination: json.meta?.pagination, meta: json.meta }
  }
  if (answer.status === 401) {
    await ended()
    return request<T>(method, path, body, version)
  }
  const error = json.error ?? {}
  const fallback = t('app.answered', { status: answer.status })
  throw new ApiError(answer.status, error.code ?? 'UNKNOWN', error.message ?? fallback, error.details ?? {})
}

export const get = async <T>(path: string) => (await request<T>('GET', path)).data
export const post = async <T>(path: string, body: unknown = {}) => (await request<T>('POST', path, body)).data
export const put = async <T>(path: string, body: unknown, version: number) =>
  (await request<T>('PUT', path, body, version)).data
export const patch = async <T>(path: string, body: unknown, version: number) =>
  (await request<T>('PATCH', path, body, version)).data
export const remove = async <T>(path: string) => (await request<T>('DELETE', path)).data
