// The frame of every page: navigation, who is signed in, the state of the line.
import { Activity, Cable, CircleCheckBig, LogOut, Moon, Sun, Workflow, Zap } from 'lucide-react'
import { Suspense, lazy } from 'react'
import type { ReactNode } from 'react'
import { Link, Redirect, Route, Switch, useLocation } from 'wouter'
import { post } from '../api/client'
import { useApprovals } from '../api/queries'
import { useLine } from '../api/socket'
import { Empty, Page, Waiting } from '../kit/parts'
import { Toasts, fail } from '../kit/toasts'
import { Executions } from '../pages/executions'
import { Flows } from '../pages/flows'
import { useMe } from './me'
import { isDark, toggle, useTheme } from './theme'

const Approvals = lazy(() => import('../pages/approvals').then(({ Approvals: page }) => ({ default: page })))
const Connections = lazy(() => import('../pages/connections').then(({ Connections: page }) => ({ default: page })))
const Triggers = lazy(() => import('../pages/triggers'))
const Editor = lazy(() => import('../pages/editor'))
const ExecutionPage = lazy(() => import('../pages/execution'))

const PLACES = [
  { href: '/flows', word: 'Flows', Icon: Workflow }, { href: '/executions', word: 'Executions', Icon: Activity },
  { href: '/triggers', word: 'Triggers', Icon: Zap },
  { href: '/approvals', word: 'Approvals', Icon: CircleCheckBig }, { href: '/connections', word: 'Connections', Icon: Cable },
]

export function Shell() {
  const [at] = useLocation()
  const narrow = /^\/flows\/./.test(at)
  return (
    <div className="shell" data-narrow={narrow || undefined}>
      <a className="skip" href="#main">Skip to the content</a>
      <nav className="nav" aria-label="Main">
        <Link href="/flows" className="brand" aria-label="headrace, all flows"><img src="/static/icon.svg" alt="" width="26" height="26" /><span>headrace</span></Link>
        <ul>
          {PLACES.map(({ href, word, Icon }) => (
            <li key={href}><Link href={href} className="nav-link" title={word} aria-current={at === href || at.startsWith(`${href}/`) ? 'page' : undefined}><Icon size={18} aria-hidden="true" /><span>{word}</span>{href === '/approvals' && <Open />}</Link></li>
          ))}
        </ul>
        <Foot />
      </nav>
      <Line />
      <Suspense fallback={<Later />}>
        <Switch>
          <Route path="/"><Redirect to="/flows" replace /></Route>
          <Route path="/flows"><Flows /></Route>
          <Route path="/flows/:id">{({ id }) => <Editor key={id} id={id} />}</Route>
          <Route path="/executions"><Executions /></Route>
          <Route path="/executions/:id">{({ id }) => <ExecutionPage key={id} id={id} />}</Route>
          <Route path="/triggers"><Triggers /></Route>
          <Route path="/approvals"><Approvals /></Route>
          <Route path="/approvals/:id">{({ id }) => <Approvals id={id} />}</Route>
          <Route path="/connections"><Connections /></Route>
          <Route><Page title="Not found"><Empty title="There is nothing here" text="The address may be mistyped, or the thing was deleted."><Link href="/flows" className="button primary">All flows</Link></Empty></Page></Route>
        </Switch>
      </Suspense>
      <Toasts />
    </div>
  )
}

const Later = (): ReactNode => <main className="page" id="main"><Waiting what="the page" /></main>

/** How many approvals are open for whoever is signed in. */
function Open() {
  const me = useMe()
  const { data } = useApprovals('open', Boolean(me?.permissions.includes('execution:read')))
  const mine = data?.filter((one) => !one.assignees.length || one.assignees.includes(me?.user.email ?? '')).length ?? 0
  return mine > 0 ? <b className="nav-count" aria-label={`${mine} open`}>{mine > 99 ? '99+' : mine}</b> : null
}

function Foot() {
  const me = useMe()
  const theme = useTheme((state) => state.theme)
  const dark = isDark(theme)
  const out = () => void post('/auth/logout').then(() => location.assign('/login')).catch(fail)
  return (
    <div className="nav-foot">
      <span className="who" title={me?.user.email}><span>{me?.user.full_name}</span><span className="soft">{me?.organization.name}</span></span>
      <button type="button" className="icon-button" aria-label={dark ? 'Light colours' : 'Dark colours'} title={dark ? 'Light colours' : 'Dark colours'} onClick={toggle}>{dark ? <Sun size={17} /> : <Moon size={17} />}</button>
      <button type="button" className="icon-button" aria-label="Sign out" title="Sign out" onClick={out}><LogOut size={17} /></button>
    </div>
  )
}

function Line() {
  const state = useLine((line) => line.state)
  return <div className="line" role="status" data-state={state}>{state === 'lost' ? 'The live line is cut; reconnecting…' : ''}</div>
}
