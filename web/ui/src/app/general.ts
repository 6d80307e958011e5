// The commands that every page has: go somewhere, begin something, colours and language.
import { Keyboard, Languages, LogOut, Monitor, Moon, Plus, Search, Sun } from 'lucide-react'
import { useEffect } from 'react'
import { useLocation } from 'wouter'
import { post } from '../api/client'
import { out } from '../api/session'
import { fail } from '../kit/toasts'
import { choose, language, languages, t } from '../lib/text'
import { register, show } from './commands'
import type { Command } from './commands'
import { useMe } from './me'
import { PLACES } from './places'
import { THEMES, chooseTheme } from './theme'

const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon }
const GO: Record<string, string> = {
  '/dashboard': 'd',
  '/flows': 'f',
  '/executions': 'e',
  '/approvals': 'a',
  '/connections': 'c',
  '/templates': 't',
}

const leaveNothing = () => import('../flow/copies').then((copies) => copies.leaveNothing()).catch(() => undefined)
export const signOut = () => void post('/auth/logout').then(leaveNothing).then(out).catch(fail)

export function useGeneralCommands() {
  const me = useMe()
  const [, go] = useLocation()
  useEffect(() => {
    const may = (permission: string | undefined) => !permission || Boolean(me?.permissions.includes(permission))
    const list: Command[] = [
      { id: 'palette', word: t('app.command.palette'), Icon: Search, key: 'mod+k', run: () => show('palette') },
      { id: 'shortcuts', word: t('app.command.shortcuts'), Icon: Keyboard, key: '?', run: () => show('shortcuts') },
      ...(may('flow:create')
        ? [{ id: 'flow', word: t('app.command.newFlow'), Icon: Plus, key: 'n', run: () => go('/flows?new') }]
        : []),
      ...PLACES.filter(({ permission }) => may(permission)).map(({ word, href, Icon }): Command => ({
        id: href,
        word: t(`places.${word}`),
        Icon,
        run: () => go(href),
        also: href,
        ...(href in GO ? { key: `g ${GO[href]}` } : {}),
      })),
      ...THEMES.map((theme): Command => ({
        id: `theme-${theme}`,
        word: t(`app.theme.${theme}`),
        Icon: THEME_ICONS[theme],
        run: () => chooseTheme(theme),
      })),
      ...languages()
        .filter(({ id }) => id !== language)
        .map(({ id, name }): Command => ({
          id: `language-${id}`,
          word: t('app.command.language', { name }),
          Icon: Languages,
          run: () => choose(id),
        })),
      { id: 'sign-out', word: t('app.signOut'), Icon: LogOut, run: signOut },
    ]
    return register(list)
  }, [me, go])
}
