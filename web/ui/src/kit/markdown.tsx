// A small part of Markdown as elements, never as HTML: paragraphs, lists, headings, code, bold, emphasis, links.
import type { ReactNode } from 'react'

const INLINE = /(`[^`]+`)|\*\*([^*]+)\*\*|(?<![\w*])[*_]([^*_\n]+)[*_](?![\w*])|\[([^\]]+)\]\(([^)\s]+)\)/g
/** Only what cannot run anything: the web, this installation, a place on the page. */
const isSafe = (href: string) => /^(https?:\/\/|mailto:|\/(?!\/)|#)/i.test(href)

function inline(text: string): ReactNode[] {
  const made: ReactNode[] = []
  let at = 0
  for (const found of text.matchAll(INLINE)) {
    const [whole, code, strong, soft, label, href = ''] = found
    made.push(text.slice(at, found.index))
    const key = found.index
    if (code) made.push(<code key={key}>{code.slice(1, -1)}</code>)
    else if (strong) made.push(<strong key={key}>{strong}</strong>)
    else if (soft) made.push(<em key={key}>{soft}</em>)
    else
      made.push(
        isSafe(href) ? (
          <a key={key} href={href} rel="noreferrer noopener" {...(href.startsWith('http') ? { target: '_blank' } : {})}>
            {label}
          </a>
        ) : (
          whole
        ),
      )
    at = found.index + whole.length
  }
  return [...made, text.slice(at)]
}

/** Blocks between empty lines; a fence of code keeps its own. */
function blocks(text: string): string[] {
  const found: string[] = []
  for (const [index, part] of text.split(/^```.*$/m).entries()) {
    if (index % 2) found.push(`\`\`\`${part}`)
    else
      found.push(
        ...part
          .split(/\n\s*\n/)
          .map((one) => one.trim())
          .filter(Boolean),
      )
  }
  return found
}

function shown(block: string, key: number): ReactNode {
  if (block.startsWith('```'))
    return (
      <pre key={key} tabIndex={0}>
        <code>{block.slice(3).replace(/^\n|\n$/g, '')}</code>
      </pre>
    )
  const heading = /^(#{1,6})\s+(.+)$/.exec(block)
  if (heading?.[2]) return <h3 key={key}>{inline(heading[2])}</h3>
  const lines = block.split('\n')
  const marks = lines.filter((line) => /^\s*([-*]|\d+\.)\s/.test(line)).length
  if (marks && /^\s*([-*]|\d+\.)\s/.test(lines[0] ?? '')) {
    const items: string[] = []
    for (const line of lines) {
      const item = /^\s*(?:[-*]|\d+\.)\s+(.*)$/.exec(line)
      if (item) items.push(item[1] ?? '')
      else items[items.length - 1] += ` ${line.trim()}`
    }
    const List = /^\s*\d/.test(lines[0] ?? '') ? 'ol' : 'ul'
    return (
      <List key={key}>
        {items.map((item, index) => (
          <li key={index}>{inline(item)}</li>
        ))}
      </List>
    )
  }
  return <p key={key}>{inline(block.replace(/\n/g, ' '))}</p>
}

/** A line of text in it. */
export const Inline = ({ text }: { text: string }) => <>{inline(text)}</>

export function Markdown({ text }: { text: string }) {
  return <div className="markdown">{blocks(text).map(shown)}</div>
}
