// Oneself and the installation: what pages about people and the platform read and hear.
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { call } from './call'
import { client } from './queries'
import { subscribe } from './socket'

export const useMine = () => useQuery({ queryKey: ['me'], queryFn: () => call('GET /auth/me'), staleTime: 60_000 })

/** Reads again what a switch elsewhere may have changed, as soon as it is told; nothing polls. */
export function useSwitches(keys: string[]) {
  const { data: me } = useMine()
  const organization = me?.organization.id
  const wanted = keys.join()
  useEffect(() => {
    if (!organization) return undefined
    const again = () => {
      for (const key of ['me', ...wanted.split(',')]) void client.invalidateQueries({ queryKey: [key] })
    }
    const ends = [subscribe('system', again), subscribe(`organization:${organization}`, again)]
    return () => ends.forEach((end) => end())
  }, [organization, wanted])
}

export const stale = (...keys: string[]) =>
  Promise.all(keys.map((key) => client.invalidateQueries({ queryKey: [key] })))
