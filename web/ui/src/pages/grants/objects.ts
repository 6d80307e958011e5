// Things that grants are about, by kind, with their names.
import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/call'

export const KINDS = ['workspace', 'folder', 'flow', 'job', 'job_package', 'connection'] as const
export type Kind = (typeof KINDS)[number]
export type Thing = { id: string; name: string }
const ALL = { query: { per_page: 100 } }

async function folders(): Promise<Thing[]> {
  const spaces = await call('GET /workspaces', ALL)
  const found = await Promise.all(
    spaces.map(async (space) => {
      const inside = await call('GET /workspaces/{workspace_id}/folders', { path: { workspace_id: space.id } })
      return inside.map((one) => ({ id: one.id, name: `${space.name} / ${one.name}` }))
    }),
  )
  return found.flat()
}

const READ: Record<Kind, () => Promise<Thing[]>> = {
  workspace: () => call('GET /workspaces', ALL),
  folder: folders,
  flow: () => call('GET /flows', ALL),
  job: () => call('GET /jobs', ALL),
  job_package: () => call('GET /job-packages', ALL),
  connection: () => call('GET /connections', ALL),
}

export const useThings = (kind: Kind) =>
  useQuery({ queryKey: ['things', kind], queryFn: READ[kind], staleTime: 30_000 })
