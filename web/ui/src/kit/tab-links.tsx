// Tabs that are addresses: each has a link of its own, and Back goes to the one before.
import { Link, useLocation } from 'wouter'

export type Tab = { href: string; word: string; more?: number }

export function TabLinks({ label, tabs }: { label: string; tabs: Tab[] }) {
  const [at] = useLocation()
  return (
    <nav className="tab-links" aria-label={label}>
      {tabs.map(({ href, word, more }) => (
        <Link key={href} href={href} aria-current={at === href ? 'page' : undefined}>{word}{more ? <span className="count">{more}</span> : null}</Link>
      ))}
    </nav>
  )
}
