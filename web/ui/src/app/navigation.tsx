// The navigation: what this person may see, by section; on a phone a bar of four, and the rest behind "More".
import { LogOut, Menu, Moon, Sun } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { post } from '../api/client'
import { useApprovals } from '../api/queries'
import { Dialog } from '../kit/dialog'
import { fail } from '../kit/toasts'
import { t } from '../lib/text'
import { useMe } from './me'
import { PLACES } from './places'
import type { Place } from './places'
import { isDark, toggle, useTheme } from './theme'

const ON_A_PHONE = 4

export function Navigation({ at }: { at: string }) {
  const me = useMe()
  const [more, setMore] = useState(false)
  const mine = PLACES.filter(({ section, permission }) => section !== 'self' && (!permission || me?.permissions.includes(permission)))
  const sections = [...new Set(mine.map(({ section }) => section))]
  const links = (section: string) => mine.filter((one) => one.section === section).map((place) => <Entry key={place.href} place={place} at={at} wide={mine.indexOf(place) >= ON_A_PHONE} onGo={() => setMore(false)} />)
  return (
    <nav className="nav" aria-label={t('app.nav')}>
      <Link href="/" className="brand" aria-label={t('app.home')}><img src="/static/icon.svg" alt="" width="26" height="26" /><span>headrace</span></Link>
      <div className="nav-places">
        {sections.map((section) => (
          <section key={section} aria-label={t(`places.${section}`)}>
            {section !== 'work' && <h2 className="nav-section">{t(`places.${section}`)}</h2>}
            <ul>{links(section)}</ul>
          </section>
        ))}
        <button type="button" className="nav-link nav-more" onClick={() => setMore(true)}><Menu size={18} aria-hidden="true" /><span>{t('app.more')}</span></button>
      </div>
      <Foot />
      {more && (
        <Dialog title={t('app.more')} onClose={() => setMore(false)}>
          {sections.map((section) => <section key={section}><h2 className="nav-section">{t(`places.${section}`)}</h2><ul className="nav-sheet">{links(section)}</ul></section>)}
          <Foot onGo={() => setMore(false)} />
        </Dialog>
      )}
    </nav>
  )
}

function Entry({ place: { href, word, Icon }, at, wide, onGo }: { place: Place; at: string; wide: boolean; onGo: () => void }) {
  const here = at === href || at.startsWith(`${href}/`)
  return (
    <li data-wide={wide || undefined}>
      <Link href={href} className="nav-link" title={t(`places.${word}`)} aria-current={here ? 'page' : undefined} onClick={onGo}>
        <Icon size={18} aria-hidden="true" /><span>{t(`places.${word}`)}</span>{href === '/approvals' && <Open />}
      </Link>
    </li>
  )
}

/** How many approvals are open for whoever is signed in. */
function Open() {
  const me = useMe()
  const { data } = useApprovals('open', Boolean(me?.permissions.includes('execution:read')))
  const mine = data?.filter((one) => !one.assignees.length || one.assignees.includes(me?.user.email ?? '')).length ?? 0
  return mine > 0 ? <b className="nav-count" aria-label={t('app.open', { n: mine })}>{mine > 99 ? '99+' : mine}</b> : null
}

function Foot({ onGo }: { onGo?: () => void }) {
  const me = useMe()
  const theme = useTheme((state) => state.theme)
  const dark = isDark(theme)
  const colours = t(dark ? 'app.light' : 'app.dark')
  const out = () => void post('/auth/logout').then(() => location.assign('/login')).catch(fail)
  return (
    <div className="nav-foot">
      <Link href="/profile" className="who" onClick={() => onGo?.()} title={me?.user.email}><span>{me?.user.full_name}</span><span className="soft">{me?.organization.name}</span></Link>
      <button type="button" className="icon-button" aria-label={colours} title={colours} onClick={toggle}>{dark ? <Sun size={17} /> : <Moon size={17} />}</button>
      <button type="button" className="icon-button" aria-label={t('app.signOut')} title={t('app.signOut')} onClick={out}><LogOut size={17} /></button>
    </div>
  )
}
