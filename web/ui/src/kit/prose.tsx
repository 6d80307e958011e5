// Texts of packages: paragraphs, headings, lists, code, bold and links of Markdown; never HTML.
import type { ReactNode } from 'react'

const INLINE = /(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)\s]+\))/
const ITEM = /^(?:[-*]|\d+\.) /

/** Code, bold and links of one line. */
export function inline(text: string): ReactNode[] {
  return text.split(INLINE).map((part, index) => {
    if (part.startsWith('`')) return <code key={index}>{part.slice(1, -1)}</code>
    if (part.startsWith('**')) return <b key={index}>{part.slice(2, -2)}</b>
    const link = /^\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)$/.exec(part)
    return link ? (
      <a key={index} href={link[2]} target="_blank" rel="noreferrer noopener">
        {link[1]}
      </a>
    ) : (
      part
    )
  })
}

function block(text: string, index: number): ReactNode {
  const lines = text.split('\n')
  const head = /^#{1,4} (.*)$/.exec(lines[0] ?? '')
  if (head)
    return (
      <div key={index}>
        <h3>{inline(head[1] ?? '')}</h3>
        {lines.length > 1 && <p>{inline(lines.slice(1).join(' '))}</p>}
      </div>
    )
  if (text.startsWith('```'))
    return (
      <pre key={index} className="prose-code">
        {lines
          .slice(1)
          .filter((line) => line !== '```')
          .join('\n')}
      </pre>
    )
  if (lines.every((line) => ITEM.test(line) || line.startsWith('  '))) {
    const items = text.split(/\n(?=(?:[-*]|\d+\.) )/).map((item) => item.replace(ITEM, '').replace(/\n\s*/g, ' '))
    return (
      <ul key={index}>
        {items.map((item, at) => (
          <li key={at}>{inline(item)}</li>
        ))}
      </ul>
    )
  }
  return <p key={index}>{inline(lines.join(' '))}</p>
}

export function Prose({ text }: { text: string }) {
  return (
    <div className="prose">
      {text
        .trim()
        .split(/\n{2,}/)
        .filter(Boolean)
        .map(block)}
    </div>
  )
}
