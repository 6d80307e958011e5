// What a field of a form may ask of its surroundings.
import { createContext, useContext } from 'react'
import type { Json, Value } from '../api/types'

export type Option = { value: string; label: string; hint?: string }
export type Language = 'sql' | 'text'
/** What an expression gives: over `rows` rows, 0 where none are stored yet. */
export type Tried = { value: Json; type: string; rows: number; problem: string; hint: string; position: number }
export type Surroundings = {
  /** All that is filled in so far. */
  root: Value
  readOnly: boolean
  errors: Record<string, string>
  /** Values to choose from for a top-level field; rejects with a sentence. */
  options?: (field: string, config: Value) => Promise<Option[]>
  /** They are asked for at a field only while it has the focus: to ask is to sign in, and a password is being typed. */
  onFocus?: boolean
  /** Columns that reach an input, known from the last run. */
  columns?: (port: string) => string[]
  /** Works out an expression for the first row that reaches an input; the stamp changes with the rows. */
  tryOut?: { stamp: string; ask: (text: string, language: Language, port: string) => Promise<Tried> }
  /** What `{{ … }}` may name. */
  names?: string[]
  scope: string
}
export const FormContext = createContext<Surroundings>({ root: {}, readOnly: false, errors: {}, scope: '' })
export const useForm = () => useContext(FormContext)

/** The message at a path or below it, for parts that show no field of their own. */
export const errorAt = (errors: Record<string, string>, path: string) => errors[path] ?? ''
