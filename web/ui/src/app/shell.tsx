// The frame of every page: the navigation beside it, the state of the line above it, and what opens over it.
import { Suspense, lazy } from 'react'
import { Link, Redirect, Route, Switch, useLocation } from 'wouter'
import { useSwitches } from '../api/mine'
import { useSession } from '../api/session'
import { useLine } from '../api/socket'
import { Empty, Page, Waiting } from '../kit/parts'
import { Toasts } from '../kit/toasts'
import { t } from '../lib/text'
import { useCommandKeys, useOverlay } from './commands'
import { useGeneralCommands } from './general'
import { Mishap } from './mishap'
import { Navigation } from './navigation'
import { PLACES } from './places'

/** What a switched feature or plugin changes, whatever page is open. */
const SWITCHED = ['node-types', 'connectors', 'trigger-types', 'templates']
const Palette = lazy(() => import('./palette'))
const Shortcuts = lazy(() => import('./shortcuts'))
const SignIn = lazy(() => import('./signin'))

export function Shell() {
  const [at] = useLocation()
  const inEditor = /^\/flows\/./.test(at)
  useGeneralCommands()
  useSwitches(SWITCHED)
  useCommandKeys(inEditor)
  return (
    <div className="shell" data-narrow={inEditor || undefined}>
      <a className="skip" href="#main">
        {t('app.skip')}
      </a>
      <Navigation at={at} />
      <Line />
      <Mishap at={at}>
        <Suspense
          fallback={
            <main className="page" id="main">
              <Waiting what={t('app.page')} />
            </main>
          }
        >
          <Switch>
            <Route path="/">
              <Redirect to="/dashboard" replace />
            </Route>
            {PLACES.flatMap(({ routes }) => Object.entries(routes)).map(([path, Shown]) => (
              <Route key={path} path={path}>
                {(parts) => <Shown key={Object.values(parts).join('/')} {...parts} />}
              </Route>
            ))}
            <Route>
              <Page title={t('app.notFound')}>
                <Empty title={t('app.nothing')} text={t('app.nothing.why')}>
                  <Link href="/dashboard" className="button primary">
                    {t('places.dashboard')}
                  </Link>
                </Empty>
              </Page>
            </Route>
          </Switch>
        </Suspense>
      </Mishap>
      <Over />
      <Toasts />
    </div>
  )
}

function Over() {
  const open = useOverlay((state) => state.open)
  const ended = useSession((state) => state.ended)
  return (
    <Suspense fallback={null}>
      {ended ? <SignIn /> : open === 'palette' ? <Palette /> : open === 'shortcuts' ? <Shortcuts /> : null}
    </Suspense>
  )
}

function Line() {
  const state = useLine((line) => line.state)
  return (
    <div className="line" role="status" data-state={state}>
      {state === 'lost' ? t('app.cut') : ''}
    </div>
  )
}
