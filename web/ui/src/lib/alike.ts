// Whether two pieces of JSON say the same. The order of names does not count, nor a name without a value.
export function alike(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (
    typeof a !== 'object'
    || typeof b !== 'object'
    || a === null
    || b === null
    || Array.isArray(a) !== Array.isArray(b)
  )
    return false
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, at) => alike(one, b[at]))
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((name) => alike(left[name], right[name]))
}
