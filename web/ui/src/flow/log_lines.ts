// The lines of an execution's log: what is stored page by page, then what is written, as it comes.
import { useEffect, useState } from 'react'
import { request } from '../api/client'
import type { LogRow } from '../api/types.gen'

export const LINES_MAX = 50_000
const PAGE = 1_000
const BATCH_MS = 120
export const LEVELS = ['debug', 'info', 'warning', 'error'] as const
export type Wanted = { level: string; node: string; text: string }
export type Lines = { lines: LogRow[]; state: 'loading' | 'live' | 'whole' | 'full'; error: Error | null }
const NONE: Lines = { lines: [], state: 'loading', error: null }

/** The filter as the API takes it: a level means it and all above. */
function asked({ level, node, text }: Wanted): string {
  const query = new URLSearchParams()
  if (level) LEVELS.slice(LEVELS.indexOf(level as (typeof LEVELS)[number])).forEach((one) => query.append('level', one))
  if (node) query.set('node_id', node)
  if (text.trim()) query.set('q', text.trim())
  return query.toString()
}

/** Lines of an execution that fit; new ones follow while it is `live`. */
export function useLines(id: string, live: boolean, wanted: Wanted): Lines {
  const [found, setFound] = useState<Lines>(NONE)
  const filter = asked(wanted)
  useEffect(() => {
    let over = false
    let stream: EventSource | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let coming: LogRow[] = []
    const address = `/executions/${id}/logs`
    const take = () => {
      timer = undefined
      const more = coming
      coming = []
      setFound((now) => ({ ...now, lines: [...now.lines, ...more].slice(0, LINES_MAX) }))
    }
    const follow = (after: number) => {
      stream = new EventSource(`/api/v1${address}/stream?after=${after}&${filter}`)
      stream.addEventListener('log', (event) => {
        coming.push(JSON.parse(event.data as string) as LogRow)
        timer ??= setTimeout(take, BATCH_MS)
      })
      stream.addEventListener('end', () => {
        stream?.close()
        setFound((now) => ({ ...now, state: 'whole' }))
      })
    }
    const load = async () => {
      setFound(NONE)
      let lines: LogRow[] = []
      for (;;) {
        const { data } = await request<LogRow[]>(
          'GET',
          `${address}?after=${lines.at(-1)?.id ?? 0}&limit=${PAGE}&${filter}`,
        )
        if (over) return
        lines = [...lines, ...data]
        const full = lines.length >= LINES_MAX
        const last = full || data.length < PAGE
        setFound({ lines, error: null, state: full ? 'full' : !last ? 'loading' : live ? 'live' : 'whole' })
        if (last) return full || !live ? undefined : follow(lines.at(-1)?.id ?? 0)
      }
    }
    load().catch((error: Error) => {
      if (!over) setFound({ lines: [], state: 'whole', error })
    })
    return () => {
      over = true
      clearTimeout(timer)
      stream?.close()
    }
  }, [id, live, filter])
  return found
}
