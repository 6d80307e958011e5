// Choosing a role: ours first, then the organization's own.
import { useQuery } from '@tanstack/react-query'
import { allOf } from '../../api/all'
import { t } from '../../lib/text'
import { roleWord } from '../../lib/rights'

export const useRoleList = () =>
  useQuery({ queryKey: ['roles'], queryFn: () => allOf('GET /roles'), staleTime: 30_000 })

export function useRoles() {
  const { data } = useRoleList()
  const own = data?.some((one) => !one.built_in)
  return (data ?? []).map((one) => ({
    value: one.id,
    word: roleWord(one.id, one.name),
    ...(own ? { group: t(one.built_in ? 'rights.ours' : 'rights.own') } : {}),
  }))
}

export function useRoleName() {
  const { data } = useRoleList()
  return (id: string) => roleWord(id, data?.find((one) => one.id === id)?.name)
}

/** The role of one line of a list. */
export function RoleChoice({
  label,
  value,
  disabled,
  onChange,
}: {
  label: string
  value: string
  disabled?: boolean
  onChange: (role: string) => void
}) {
  const roles = useRoles()
  return (
    <select
      className="line-choice"
      aria-label={label}
      value={value}
      disabled={disabled}
      onChange={({ target }) => onChange(target.value)}
    >
      {!roles.some((one) => one.value === value) && <option value={value}>{roleWord(value)}</option>}
      {roles.map((one) => (
        <option key={one.value} value={one.value}>
          {one.word}
        </option>
      ))}
    </select>
  )
}
