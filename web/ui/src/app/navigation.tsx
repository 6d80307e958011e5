// The navigation: what this person may see, by section; on a phone a bar of four, and the rest behind "More".
import { LogOut, Menu, Monitor, Moon, Search, Sun } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import { Link } from 'wouter'
import { useApprovals } from '../api/queries'
import { t } from '../lib/text'
import { keyWords, show } from './commands'
import { signOut } from './general'
import { useMe } from './me'
import { PLACES } from './places'
import type { Place } from './places'
import { chooseTheme, nextTheme, useTheme } from './theme'

const Sheet = lazy(() => import('./sheet'))
const ON_A_PHONE = 4
const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon }

export function Navigation({ at }: { at: string }) {
  const me = useMe()
  const [more, setMore] = useState(false)
  const mine = PLACES.filter(
    ({ section, permission }) => section !== 'self' && (!permission || me?.permissions.includes(permission)),
  )
  const bar = mine.slice(0, ON_A_PHONE)
  const elsewhere = !bar.some((one) => isHere(one, at))
  return (
    <nav className="nav" aria-label={t('app.nav')}>
      <Link href="/dashboard" className="brand" aria-label={t('app.home')}>
        <img src="/static/icon.svg" alt="" width="26" height="26" />
        <span>headrace</span>
      </Link>
      <button
        type="button"
        className="nav-search"
        aria-keyshortcuts="Control+K"
        title={t('app.command.palette')}
        onClick={() => show('palette')}
      >
        <Search size={15} aria-hidden="true" />
        <span>{t('app.command.short')}</span>
        <kbd>{keyWords('mod+k')[0]}</kbd>
      </button>
      <div className="nav-places">
        <Places places={mine} bar={bar} at={at} />
      </div>
      <button
        type="button"
        className="nav-link nav-more"
        aria-haspopup="dialog"
        data-here={elsewhere || undefined}
        onClick={() => setMore(true)}
      >
        <Menu size={18} aria-hidden="true" />
        <span>{t('app.more')}</span>
      </button>
      <Foot />
      {more && (
        <Suspense fallback={null}>
          <Sheet onClose={() => setMore(false)}>
            <Places places={mine.filter((one) => !bar.includes(one))} at={at} onGo={() => setMore(false)} />
            <Foot onGo={() => setMore(false)} />
          </Sheet>
        </Suspense>
      )}
    </nav>
  )
}

const isHere = ({ routes }: Place, at: string) =>
  Object.keys(routes).some((path) => {
    const root = path.split('/:')[0] ?? path
    return at === root || at.startsWith(`${root}/`)
  })

/** The pages by section; those beside the bar show on wide screens only. */
function Places({ places, bar, at, onGo }: { places: Place[]; bar?: Place[]; at: string; onGo?: () => void }) {
  const sections = [...new Set(places.map(({ section }) => section))]
  return sections.map((section) => (
    <section key={section} aria-label={t(`places.${section}`)}>
      {(section !== 'work' || onGo) && <h2 className="nav-section">{t(`places.${section}`)}</h2>}
      <ul>
        {places
          .filter((one) => one.section === section)
          .map((one) => (
            <Entry key={one.href} place={one} at={at} wide={bar ? !bar.includes(one) : false} onGo={onGo} />
          ))}
      </ul>
    </section>
  ))
}

function Entry({ place, at, wide, onGo }: { place: Place; at: string; wide: boolean; onGo: (() => void) | undefined }) {
  const { href, word, Icon } = place
  return (
    <li data-wide={wide || undefined}>
      <Link
        href={href}
        className="nav-link"
        title={t(`places.${word}`)}
        aria-current={isHere(place, at) ? 'page' : undefined}
        {...(onGo ? { onClick: onGo } : {})}
      >
        <Icon size={18} aria-hidden="true" />
        <span>{t(`places.${word}`)}</span>
        {href === '/approvals' && <Open />}
      </Link>
    </li>
  )
}

/** How many approvals are open for whoever is signed in. */
function Open() {
  const me = useMe()
  const { data } = useApprovals('open', Boolean(me?.permissions.includes('execution:read')))
  const mine = data?.filter((one) => !one.assignees.length || one.assignees.includes(me?.user.email ?? '')).length ?? 0
  return mine > 0 ? (
    <b className="nav-count" aria-label={t('app.open', { n: mine })}>
      {mine > 99 ? '99+' : mine}
    </b>
  ) : null
}

function Foot({ onGo }: { onGo?: () => void }) {
  const me = useMe()
  const next = nextTheme(useTheme((state) => state.theme))
  const Icon = THEME_ICONS[next]
  const colours = t(`app.theme.${next}`)
  return (
    <div className="nav-foot">
      <Link href="/profile" className="who" {...(onGo ? { onClick: onGo } : {})} title={me?.user.email}>
        <span>{me?.user.full_name}</span>
        <span className="soft">{me?.organization.name}</span>
      </Link>
      <button
        type="button"
        className="icon-button"
        aria-label={colours}
        title={colours}
        onClick={() => chooseTheme(next)}
      >
        <Icon size={17} />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={t('app.signOut')}
        title={t('app.signOut')}
        onClick={signOut}
      >
        <LogOut size={17} />
      </button>
    </div>
  )
}
