// Code: line numbers, Tab indents, Enter keeps the indent, the line that the check complains about is marked.
import { useMemo, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import { errorAt, useForm } from './context'
import type { InputProps } from './field'
import { t } from '../lib/text'

const LINE_PX = 19
const PAD_PX = 8
const MOST = 28

/** The line that a message names: `… (line 3)`. */
export const lineOf = (message: string) => Number(/\(line (\d+)\)/.exec(message)?.[1] ?? 0)

export function CodeArea({ id, schema, value, onChange, described, invalid, required, path }: InputProps) {
  const { errors, readOnly } = useForm()
  const text = typeof value === 'string' ? value : ''
  const step = schema['x-ui']?.language === 'python' ? '    ' : '  '
  const lines = useMemo(() => text.split('\n').length, [text])
  const wrong = lineOf(errorAt(errors, path))
  const [top, setTop] = useState(0)
  const field = useRef<HTMLTextAreaElement>(null)
  const rows = Math.min(MOST, Math.max(schema['x-ui']?.rows ?? 8, lines + 1))
  const example =
    schema['x-ui']?.placeholder ?? (schema.examples?.[0] === undefined ? undefined : String(schema.examples[0]))

  /** Typed by the browser itself, so that its undo knows of it. */
  const type = (more: string) => {
    document.execCommand('insertText', false, more)
  }
  const key = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const at = event.currentTarget
    if (readOnly || event.ctrlKey || event.metaKey || event.altKey || event.nativeEvent.isComposing) return
    const begin = text.lastIndexOf('\n', at.selectionStart - 1) + 1
    if (event.key === 'Enter' && !event.shiftKey) {
      const before = text.slice(begin, at.selectionStart)
      const indent = /^[ \t]*/.exec(before)?.[0] ?? ''
      event.preventDefault()
      type(`\n${indent}${/:\s*$/.test(before) && step.length === 4 ? step : ''}`)
    }
    if (event.key !== 'Tab') return
    event.preventDefault()
    const { selectionStart: from, selectionEnd: to } = at
    if (from === to && !event.shiftKey) return type(step.slice((from - begin) % step.length))
    const block = text.slice(begin, to)
    const changed = block
      .split('\n')
      .map((line) => (event.shiftKey ? line.replace(new RegExp(`^ {1,${step.length}}|^\\t`), '') : line && step + line))
      .join('\n')
    if (changed === block) return
    at.setSelectionRange(begin, to)
    type(changed)
    at.setSelectionRange(
      from === to ? Math.max(begin, from + changed.length - block.length) : begin,
      begin + changed.length,
    )
  }
  return (
    <div className="code-area" data-invalid={invalid || undefined}>
      <div className="code-lines" aria-hidden="true">
        <div style={{ transform: `translateY(${-top}px)` }}>
          {Array.from({ length: lines }, (_, at) => (
            <span key={at} data-wrong={at + 1 === wrong || undefined}>
              {at + 1}
            </span>
          ))}
        </div>
      </div>
      <div className="code-text">
        {wrong > 0 && (
          <div
            className="code-wrong"
            aria-hidden="true"
            style={{ top: PAD_PX + (wrong - 1) * LINE_PX - top, height: LINE_PX }}
          />
        )}
        <textarea
          ref={field}
          id={id}
          className="code"
          wrap="off"
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          placeholder={example}
          value={text}
          style={{ height: rows * LINE_PX + 2 * PAD_PX }}
          aria-describedby={`${described} ${id}-keys`}
          aria-invalid={invalid || undefined}
          aria-required={required || undefined}
          onChange={({ target }) => onChange(target.value)}
          onKeyDown={key}
          onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
        />
      </div>
      <span id={`${id}-keys`} className="sr">
        {t('form.code')}
      </span>
    </div>
  )
}
