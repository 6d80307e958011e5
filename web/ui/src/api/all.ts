// Whole lists, page by page, for pages that search and sort in the browser.
import { listed } from './call'
import type { Answer, Asked } from './call'
import type { Operations } from './operations.gen'

const PER_PAGE = 100
const PAGES_MAX = 20

type Lists = {
  [O in keyof Operations]: Operations[O] extends { data: unknown[]; query: { per_page?: number } } ? O : never
}[keyof Operations]

/** Everything that a list has, up to 2,000 entries. */
export async function allOf<O extends Lists>(operation: O, asked: Partial<Asked<O>> = {}): Promise<Answer<O>> {
  const found: unknown[] = []
  for (let page = 1; page <= PAGES_MAX; page++) {
    const query = { ...(asked as { query?: object }).query, per_page: PER_PAGE, page }
    const { data, pagination } = await (listed as (name: O, given: unknown) => ReturnType<typeof listed<O>>)(
      operation,
      { ...asked, query },
    )
    found.push(...(data as unknown[]))
    if (page >= (pagination?.total_pages ?? 1)) break
  }
  return found as Answer<O>
}
