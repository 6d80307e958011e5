// Every page: its address, its place in the navigation, and who finds it there. The API decides who may do what.
import { Activity, BookOpen, Cable, CircleCheckBig, LayoutDashboard, LibraryBig, Workflow, Zap } from 'lucide-react'
import { lazy } from 'react'
import type { ComponentType } from 'react'

type Shown = ComponentType<any>
export type Place = {
  /** The key of its word in `text/<language>/places.json`, and its first address. */
  word: string; href: string; Icon: ComponentType<{ size?: number; 'aria-hidden'?: 'true' }>
  section: 'work' | 'data' | 'organization' | 'installation'
  /** Shown in the navigation to those who have it. */
  permission?: string
  routes: Record<string, Shown>
}
const page = (load: () => Promise<{ default: Shown }>) => lazy(load)

const Dashboard = page(() => import('../pages/dashboard'))
const Flows = page(() => import('../pages/flows'))
const Editor = page(() => import('../pages/editor'))
const Executions = page(() => import('../pages/executions'))
const Execution = page(() => import('../pages/execution'))
const Triggers = page(() => import('../pages/triggers'))
const Approvals = page(() => import('../pages/approvals'))
const Templates = page(() => import('../pages/templates'))
const Docs = page(() => import('../pages/docs'))
const Connections = page(() => import('../pages/connections'))

/** The first four are the bar of a phone. */
export const PLACES: Place[] = [
  { word: 'dashboard', href: '/dashboard', Icon: LayoutDashboard, section: 'work', routes: { '/dashboard': Dashboard } },
  { word: 'flows', href: '/flows', Icon: Workflow, section: 'work', routes: { '/flows': Flows, '/flows/:id': Editor } },
  { word: 'executions', href: '/executions', Icon: Activity, section: 'work', routes: { '/executions': Executions, '/executions/:id': Execution } },
  { word: 'approvals', href: '/approvals', Icon: CircleCheckBig, section: 'work', routes: { '/approvals': Approvals, '/approvals/:id': Approvals } },
  { word: 'triggers', href: '/triggers', Icon: Zap, section: 'work', routes: { '/triggers': Triggers } },
  { word: 'templates', href: '/templates', Icon: LibraryBig, section: 'work', permission: 'template:read', routes: { '/templates': Templates } },
  { word: 'docs', href: '/docs', Icon: BookOpen, section: 'work', routes: { '/docs': Docs } },
  { word: 'connections', href: '/connections', Icon: Cable, section: 'data', routes: { '/connections': Connections } },
]
