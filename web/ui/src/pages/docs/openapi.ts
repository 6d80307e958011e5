// The API's own document, as a list of operations.
import { useQuery } from '@tanstack/react-query'
import type { Schema } from '../../api/types'

type Parameter = { name: string; in: string; required?: boolean; description?: string; schema?: Schema }
type Body = { content?: Record<string, { schema?: Schema & { $ref?: string } }> }
type Raw = {
  operationId: string
  tags?: string[]
  description?: string
  parameters?: Parameter[]
  requestBody?: Body
  responses: Record<string, { description: string }>
}
type Document = { paths: Record<string, Record<string, Raw>>; components: { schemas: Record<string, Schema> } }

export type Described = {
  id: string
  tag: string
  method: string
  path: string
  text: string
  parameters: Parameter[]
  body: Schema | null
  answers: [string, string][]
}
const METHODS = ['get', 'post', 'put', 'patch', 'delete']

async function read(): Promise<Described[]> {
  const answer = await fetch('/schema/openapi.json')
  if (!answer.ok) throw new Error(`/schema/openapi.json: ${answer.status}`)
  const { paths, components } = (await answer.json()) as Document
  const list = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const raw = item[method]
      return raw ? [described(path, method, raw, components.schemas)] : []
    }),
  )
  return list.sort((a, b) => a.tag.localeCompare(b.tag) || a.path.localeCompare(b.path))
}

function described(path: string, method: string, raw: Raw, schemas: Record<string, Schema>): Described {
  const given = raw.requestBody?.content?.['application/json']?.schema
  const body = given?.$ref ? schemas[given.$ref.slice(given.$ref.lastIndexOf('/') + 1)] : given
  return {
    id: raw.operationId,
    tag: raw.tags?.[0] ?? '',
    method: method.toUpperCase(),
    path,
    text: raw.description ?? '',
    parameters: raw.parameters ?? [],
    body: body ?? null,
    answers: Object.entries(raw.responses).map(([status, { description }]) => [status, description]),
  }
}

export const useOperations = (enabled: boolean) =>
  useQuery({ queryKey: ['openapi'], queryFn: read, enabled, staleTime: Infinity })
