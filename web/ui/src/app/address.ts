// Filters of a page, kept in its address: they survive a reload and can be sent to somebody.
import { useLocation, useSearch } from 'wouter'

type Given = Record<string, string | number | undefined>

export function useAddress(): {
  get: (name: string) => string
  has: (name: string) => boolean
  set: (given: Given) => void
} {
  const search = useSearch()
  const [at, go] = useLocation()
  const held = new URLSearchParams(search)
  return {
    get: (name) => held.get(name) ?? '',
    has: (name) => held.has(name),
    /** What is empty leaves the address; the page begins anew unless it is given. */
    set: (given) => {
      const next = new URLSearchParams(search)
      for (const [name, value] of Object.entries({ page: '', ...given })) {
        if (value) next.set(name, String(value))
        else next.delete(name)
      }
      const text = next.toString()
      go(text ? `${at}?${text}` : at, { replace: true })
    },
  }
}
