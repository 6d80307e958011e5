// A labelled field of a form that no schema describes, with help and the API's error.
import { useId } from 'react'
import type { ReactNode } from 'react'

export type Marks = { id: string; 'aria-describedby': string; 'aria-invalid': true | undefined }
type Props = {
  label: string
  required?: boolean
  help?: string | undefined
  error?: string | undefined
  children: (marks: Marks) => ReactNode
}

export function LabelledField({ label, required, help, error, children }: Props) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {required && (
          <span className="required" aria-hidden="true">
            {' '}
            *
          </span>
        )}
      </label>
      {children({ id, 'aria-describedby': `${id}-notes`, 'aria-invalid': error ? true : undefined })}
      <div id={`${id}-notes`}>
        {error && (
          <p className="field-error" role="alert">
            {error}
          </p>
        )}
        {help && <p className="help">{help}</p>}
      </div>
    </div>
  )
}
