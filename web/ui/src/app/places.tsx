// Every page: its address, its place in the navigation, and who finds it there. The API decides who may do what.
import { Activity, Cable, ChartNoAxesColumn, CircleCheckBig, CircleUser, Cpu, Layers, Puzzle, ServerCog, Settings2, Users, Workflow, Zap } from 'lucide-react'
import { lazy } from 'react'
import type { ComponentType } from 'react'

type Shown = ComponentType<any>
export type Place = {
  /** The key of its word in `text/<language>/places.json`, and its first address. */
  word: string; href: string; Icon: ComponentType<{ size?: number; 'aria-hidden'?: 'true' }>
  section: 'work' | 'data' | 'organization' | 'installation' | 'self'
  /** Shown in the navigation to those who have it. */
  permission?: string
  routes: Record<string, Shown>
}
const page = (load: () => Promise<{ default: Shown }>) => lazy(load)

const Flows = page(() => import('../pages/flows'))
const Editor = page(() => import('../pages/editor'))
const Executions = page(() => import('../pages/executions'))
const Execution = page(() => import('../pages/execution'))
const Triggers = page(() => import('../pages/triggers'))
const Approvals = page(() => import('../pages/approvals'))
const Connections = page(() => import('../pages/connections'))
const Members = page(() => import('../pages/members'))
const Editions = page(() => import('../pages/editions'))
const Plugins = page(() => import('../pages/plugins'))
const Workers = page(() => import('../pages/workers'))
const System = page(() => import('../pages/system'))
const Settings = page(() => import('../pages/settings'))
const Analytics = page(() => import('../pages/analytics'))
const Profile = page(() => import('../pages/profile'))

export const PLACES: Place[] = [
  { word: 'flows', href: '/flows', Icon: Workflow, section: 'work', routes: { '/flows': Flows, '/flows/:id': Editor } },
  { word: 'executions', href: '/executions', Icon: Activity, section: 'work', routes: { '/executions': Executions, '/executions/:id': Execution } },
  { word: 'triggers', href: '/triggers', Icon: Zap, section: 'work', routes: { '/triggers': Triggers } },
  { word: 'approvals', href: '/approvals', Icon: CircleCheckBig, section: 'work', routes: { '/approvals': Approvals, '/approvals/:id': Approvals } },
  { word: 'connections', href: '/connections', Icon: Cable, section: 'data', routes: { '/connections': Connections } },
  { word: 'members', href: '/members', Icon: Users, section: 'organization', permission: 'organization:manage_members', routes: { '/members': Members, '/members/:tab': Members } },
  { word: 'editions', href: '/editions', Icon: Layers, section: 'organization', routes: { '/editions': Editions, '/editions/:tab': Editions } },
  { word: 'analytics', href: '/analytics', Icon: ChartNoAxesColumn, section: 'organization', permission: 'execution:read', routes: { '/analytics': Analytics, '/analytics/:id': Analytics } },
  { word: 'settings', href: '/settings', Icon: Settings2, section: 'organization', routes: { '/settings': Settings, '/settings/:tab': Settings } },
  { word: 'plugins', href: '/plugins', Icon: Puzzle, section: 'installation', permission: 'plugin:manage', routes: { '/plugins': Plugins } },
  { word: 'workers', href: '/workers', Icon: Cpu, section: 'installation', permission: 'system:manage', routes: { '/workers': Workers, '/workers/:tab': Workers } },
  { word: 'system', href: '/system', Icon: ServerCog, section: 'installation', permission: 'system:manage', routes: { '/system': System, '/system/:tab': System } },
  { word: 'profile', href: '/profile', Icon: CircleUser, section: 'self', routes: { '/profile': Profile, '/profile/:tab': Profile } },
]
