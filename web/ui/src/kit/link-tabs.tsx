// Tabs that are addresses: each part of a page can be linked to.
import { useEffect, useRef } from 'react'
import { Link, useLocation } from 'wouter'

/** `count` is how many there are; `more` how many wait to be looked at. */
export type LinkTab = { href: string; word: string; count?: number | undefined; more?: number | undefined }

/** `at` names the tab that is open where its address alone does not tell. */
export function LinkTabs({ label, tabs, at }: { label: string; tabs: LinkTab[]; at?: string }) {
  const [place] = useLocation()
  const here = at ?? place
  const list = useRef<HTMLElement>(null)
  useEffect(() => {
    void list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [here])
  return (
    <nav ref={list} className="link-tabs" aria-label={label}>
      {tabs.map(({ href, word, count, more }) => (
        <Link key={href} href={href} aria-current={href === here ? 'page' : undefined}>
          {word}
          {count !== undefined && <span className="soft">{count}</span>}
          {more ? <span className="count">{more}</span> : null}
        </Link>
      ))}
    </nav>
  )
}
