// Who is signed in.
import { useQuery } from '@tanstack/react-query'
import { get } from '../api/client'
import type { Me } from '../api/types'

export const useMe = () => useQuery({ queryKey: ['me'], queryFn: () => get<Me>('/auth/me'), staleTime: 60_000 }).data
export const useMay = (permission: string) => useMe()?.permissions.includes(permission) ?? false
