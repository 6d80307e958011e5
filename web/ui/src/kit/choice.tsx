// One of a few, all in sight.
import { useId } from 'react'

type Props<Value extends string> = {
  label: string
  value: Value
  options: [Value, string][]
  onChange: (value: Value) => void
}

export function Choice<Value extends string>({ label, value, options, onChange }: Props<Value>) {
  const name = useId()
  return (
    <div className="segmented filter" role="radiogroup" aria-label={label}>
      {options.map(([one, word]) => (
        <label key={one}>
          <input type="radio" name={name} checked={value === one} onChange={() => onChange(one)} />
          <span>{word}</span>
        </label>
      ))}
    </div>
  )
}
