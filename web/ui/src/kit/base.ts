// The version that a form's change is based on.
import { useState } from 'react'

/** What was read when the form began; newer where only other parts than the form's `own` changed since. */
export function useBase<T extends { row_version: number }>(stored: T | undefined, own: (one: T) => unknown): number {
  const [begun] = useState(stored)
  const untouched = stored && begun && JSON.stringify(own(stored)) === JSON.stringify(own(begun))
  return (untouched ? stored : begun)?.row_version ?? 0
}
