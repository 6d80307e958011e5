// One act of a form: busy while it lasts, refused with its messages by field.
import { useState } from 'react'
import { ApiError } from '../api/client'
import { fail, say } from './toasts'

export type Errors = Record<string, string>

/** `known` are the fields that the form shows; what belongs to none of them comes under ''. */
export function useAct(known: string[] = []) {
  const [busy, setBusy] = useState(false)
  const [errors, setErrors] = useState<Errors>({})
  const act = async (work: () => Promise<unknown>, said = '') => {
    setBusy(true)
    setErrors({})
    try {
      await work()
      if (said) say(said, 'ok')
      return true
    } catch (error) {
      if (!(error instanceof ApiError)) {
        fail(error)
        return false
      }
      const sorted: Errors = {}
      for (const [path, message] of Object.entries(error.fields)) sorted[known.includes(path) ? path : ''] = message
      setErrors(sorted)
      return false
    } finally {
      setBusy(false)
    }
  }
  return { busy, errors, act, clear: () => setErrors({}) }
}
