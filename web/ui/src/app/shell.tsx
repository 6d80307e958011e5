// The frame of every page: the navigation beside it, the state of the line above it.
import { Suspense } from 'react'
import { Link, Redirect, Route, Switch, useLocation } from 'wouter'
import { useLine } from '../api/socket'
import { Empty, Page, Waiting } from '../kit/parts'
import { Toasts } from '../kit/toasts'
import { t } from '../lib/text'
import { Navigation } from './navigation'
import { PLACES } from './places'

export function Shell() {
  const [at] = useLocation()
  const narrow = /^\/flows\/./.test(at)
  return (
    <div className="shell" data-narrow={narrow || undefined}>
      <a className="skip" href="#main">{t('app.skip')}</a>
      <Navigation at={at} />
      <Line />
      <Suspense fallback={<main className="page" id="main"><Waiting what={t('app.page')} /></main>}>
        <Switch>
          <Route path="/"><Redirect to="/flows" replace /></Route>
          {PLACES.flatMap(({ routes }) => Object.entries(routes)).map(([path, Shown]) => (
            <Route key={path} path={path}>{(parts) => <Shown key={Object.values(parts).join('/')} {...parts} />}</Route>
          ))}
          <Route><Page title={t('app.notFound')}><Empty title={t('app.nothing')} text={t('app.nothing.why')}><Link href="/flows" className="button primary">{t('app.allFlows')}</Link></Empty></Page></Route>
        </Switch>
      </Suspense>
      <Toasts />
    </div>
  )
}

function Line() {
  const state = useLine((line) => line.state)
  return <div className="line" role="status" data-state={state}>{state === 'lost' ? t('app.cut') : ''}</div>
}
