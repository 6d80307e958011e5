// Fields of forms that are written by hand: label, input, help, and the message of the API where it belongs.
import { useId } from 'react'
import type { InputHTMLAttributes, ReactNode } from 'react'

type Shared = { label: string; help?: ReactNode; error?: string }

function Notes({ id, help, error }: { id: string; help?: ReactNode; error?: string }) {
  return (
    <div id={id}>
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      {help && <p className="help">{help}</p>}
    </div>
  )
}

type TextProps = Shared
  & Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'> & {
    value: string
    onChange: (value: string) => void
  }

export function TextField({ label, help, error, value, onChange, ...rest }: TextProps) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {rest.required && (
          <span className="required" aria-hidden="true">
            {' '}
            *
          </span>
        )}
      </label>
      <input
        id={id}
        value={value}
        aria-invalid={Boolean(error) || undefined}
        aria-describedby={`${id}-notes`}
        onChange={({ target }) => onChange(target.value)}
        {...rest}
      />
      <Notes id={`${id}-notes`} help={help} error={error} />
    </div>
  )
}

export type Choice = { value: string; word: string; group?: string }
type SelectProps = Shared & {
  value: string
  onChange: (value: string) => void
  choices: Choice[]
  required?: boolean
  disabled?: boolean
}

export function SelectField({ label, help, error, value, onChange, choices, required, disabled }: SelectProps) {
  const id = useId()
  const groups = [...new Set(choices.map(({ group }) => group ?? ''))]
  const options = (group: string) =>
    choices
      .filter((one) => (one.group ?? '') === group)
      .map((one) => (
        <option key={one.value} value={one.value}>
          {one.word}
        </option>
      ))
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
      <select
        id={id}
        value={value}
        required={required}
        disabled={disabled}
        aria-invalid={Boolean(error) || undefined}
        aria-describedby={`${id}-notes`}
        onChange={({ target }) => onChange(target.value)}
      >
        {groups.map((group) =>
          group ? (
            <optgroup key={group} label={group}>
              {options(group)}
            </optgroup>
          ) : (
            options(group)
          ),
        )}
      </select>
      <Notes id={`${id}-notes`} help={help} error={error} />
    </div>
  )
}

export function CheckField({
  label,
  help,
  checked,
  onChange,
  disabled,
}: {
  label: string
  help?: ReactNode
  checked: boolean
  onChange: (on: boolean) => void
  disabled?: boolean
}) {
  const id = useId()
  return (
    <div className="field">
      <label className="check">
        <input
          type="checkbox"
          checked={checked}
          disabled={disabled}
          aria-describedby={`${id}-notes`}
          onChange={({ target }) => onChange(target.checked)}
        />{' '}
        {label}
      </label>
      <Notes id={`${id}-notes`} help={help} />
    </div>
  )
}

type SegmentsProps = {
  label: string
  value: string
  onChange: (value: string) => void
  choices: Choice[]
  hidden?: boolean
}

/** A choice of few, all of them in sight. */
export function Segments({ label, value, onChange, choices, hidden }: SegmentsProps) {
  const id = useId()
  return (
    <div className="field">
      <span className={hidden ? 'sr' : 'label'} id={id}>
        {label}
      </span>
      <div className="segmented" role="radiogroup" aria-labelledby={id}>
        {choices.map((one) => (
          <label key={one.value}>
            <input type="radio" name={id} checked={one.value === value} onChange={() => onChange(one.value)} />
            <span>{one.word}</span>
          </label>
        ))}
      </div>
    </div>
  )
}
