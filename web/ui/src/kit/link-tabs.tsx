// Tabs that are addresses: each part of a page can be linked to.
import { Link, useLocation } from 'wouter'

export type LinkTab = { href: string; word: string; count?: number | undefined }

/** `at` names the tab that is open where its address alone does not tell. */
export function LinkTabs({ label, tabs, at }: { label: string; tabs: LinkTab[]; at?: string }) {
  const [place] = useLocation()
  const here = at ?? place
  return (
    <nav className="link-tabs" aria-label={label}>
      {tabs.map(({ href, word, count }) => (
        <Link key={href} href={href} aria-current={href === here ? 'page' : undefined}>{word}{count !== undefined && <span className="soft">{count}</span>}</Link>
      ))}
    </nav>
  )
}
