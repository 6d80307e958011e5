// Filters and open parts of a page in its address, so that they can be linked to and come back with it.
import { useSearchParams } from 'wouter'

/** One part of the address's query; '' takes it away. Setting it also takes `resets` away. */
export function useAsked(name: string, ...resets: string[]): [string, (value: string) => void] {
  const [params, setParams] = useSearchParams()
  const set = (value: string) => {
    const next = new URLSearchParams(location.search) // as it is now: several may be set in one act
    for (const one of resets) next.delete(one)
    if (value) next.set(name, value)
    else next.delete(name)
    setParams(next, { replace: true })
  }
  return [params.get(name) ?? '', set]
}
