// Every page: its address, its place in the navigation, and who finds it there. The API decides who may do what.
import {
  Activity,
  BookOpen,
  Cable,
  ChartNoAxesColumn,
  CircleCheckBig,
  CircleUser,
  Cpu,
  Files as FilesIcon,
  Layers,
  LayoutDashboard,
  LibraryBig,
  ListTree,
  Plug,
  Puzzle,
  ServerCog,
  Settings2,
  Trash2,
  Users,
  Workflow,
  Zap,
} from 'lucide-react'
import { lazy } from 'react'
import type { ComponentType } from 'react'
import { rest } from '../lib/text'
import Dashboard from '../pages/dashboard'

type Shown = ComponentType<any>
export type Place = {
  /** The key of its word in `text/<language>/places.json`, and its first address. */
  word: string
  href: string
  Icon: ComponentType<{ size?: number; 'aria-hidden'?: 'true' }>
  section: 'work' | 'data' | 'organization' | 'installation' | 'self'
  /** Shown in the navigation to those who have it. */
  permission?: string
  routes: Record<string, Shown>
}
const part = <Name extends string>(load: () => Promise<Record<Name, Shown>>, name: Name) =>
  lazy(() => Promise.all([load(), rest()]).then(([all]) => ({ default: all[name] })))
const page = (load: () => Promise<{ default: Shown }>) => part(load, 'default')

const Flows = page(() => import('../pages/flows'))
const Editor = page(() => import('../pages/editor'))
const Versions = page(() => import('../pages/versions'))
const FlowText = page(() => import('../pages/flow_text'))
const Executions = page(() => import('../pages/executions'))
const Execution = page(() => import('../pages/execution'))
const Triggers = page(() => import('../pages/triggers/list'))
const NewTrigger = page(() => import('../pages/triggers/new'))
const NewTriggerOf = part(() => import('../pages/triggers/new'), 'NewTriggerOf')
const Trigger = page(() => import('../pages/triggers/trigger'))
const Schedules = page(() => import('../pages/schedules/list'))
const Calendars = page(() => import('../pages/calendars/list'))
const Calendar = page(() => import('../pages/calendars/calendar'))
const Backfills = page(() => import('../pages/backfills'))
const Webhooks = page(() => import('../pages/webhooks/list'))
const EventSubscriptions = page(() => import('../pages/event-subscriptions/list'))
const EventSubscription = part(() => import('../pages/event-subscriptions/subscription'), 'SubscriptionPage')
const NewEventSubscription = part(() => import('../pages/event-subscriptions/subscription'), 'NewSubscription')
const Jobs = page(() => import('../pages/jobs/list'))
const Job = part(() => import('../pages/jobs/job'), 'JobPage')
const NewJob = part(() => import('../pages/jobs/job'), 'NewJob')
const Packages = part(() => import('../pages/jobs/list'), 'Packages')
const Package = part(() => import('../pages/jobs/job'), 'PackagePage')
const NewPackage = part(() => import('../pages/jobs/job'), 'NewPackage')
const Approvals = page(() => import('../pages/approvals'))
const Templates = page(() => import('../pages/templates'))
const Docs = page(() => import('../pages/docs'))
const Connections = page(() => import('../pages/connections/list'))
const Connection = part(() => import('../pages/connections/connection'), 'ConnectionPage')
const NewConnection = part(() => import('../pages/connections/connection'), 'NewConnection')
const Connectors = page(() => import('../pages/connectors/gallery'))
const ChooseConnector = part(() => import('../pages/connectors/gallery'), 'ChooseConnector')
const Connector = page(() => import('../pages/connectors/connector'))
const Files = page(() => import('../pages/files'))
const Members = page(() => import('../pages/members'))
const Editions = page(() => import('../pages/editions'))
const Plugins = page(() => import('../pages/plugins'))
const Workers = page(() => import('../pages/workers'))
const System = page(() => import('../pages/system'))
const Settings = page(() => import('../pages/settings'))
const Analytics = page(() => import('../pages/analytics'))
const Trash = page(() => import('../pages/trash'))
const Profile = page(() => import('../pages/profile'))

/** The first four are the bar of a phone. */
export const PLACES: Place[] = [
  {
    word: 'dashboard',
    href: '/dashboard',
    Icon: LayoutDashboard,
    section: 'work',
    routes: { '/dashboard': Dashboard },
  },
  {
    word: 'flows',
    href: '/flows',
    Icon: Workflow,
    section: 'work',
    routes: { '/flows': Flows, '/flows/:id': Editor, '/flows/:id/versions': Versions, '/flows/:id/text': FlowText },
  },
  {
    word: 'executions',
    href: '/executions',
    Icon: Activity,
    section: 'work',
    routes: { '/executions': Executions, '/executions/:id': Execution },
  },
  {
    word: 'approvals',
    href: '/approvals',
    Icon: CircleCheckBig,
    section: 'work',
    routes: { '/approvals': Approvals, '/approvals/:id': Approvals },
  },
  {
    word: 'triggers',
    href: '/triggers',
    Icon: Zap,
    section: 'work',
    permission: 'trigger:read',
    routes: {
      '/triggers': Triggers,
      '/triggers/new': NewTrigger,
      '/triggers/new/:type': NewTriggerOf,
      '/triggers/:id': Trigger,
      '/schedules': Schedules,
      '/schedules/:id': Trigger,
      '/calendars': Calendars,
      '/calendars/new': Calendar,
      '/calendars/:id': Calendar,
      '/backfills': Backfills,
      '/webhooks': Webhooks,
      '/webhooks/:id': Trigger,
      '/event-subscriptions': EventSubscriptions,
      '/event-subscriptions/new': NewEventSubscription,
      '/event-subscriptions/:id': EventSubscription,
    },
  },
  {
    word: 'jobs',
    href: '/jobs',
    Icon: ListTree,
    section: 'work',
    permission: 'job:read',
    routes: {
      '/jobs': Jobs,
      '/jobs/new': NewJob,
      '/jobs/:id': Job,
      '/job-packages': Packages,
      '/job-packages/new': NewPackage,
      '/job-packages/:id': Package,
    },
  },
  {
    word: 'templates',
    href: '/templates',
    Icon: LibraryBig,
    section: 'work',
    permission: 'template:read',
    routes: { '/templates': Templates },
  },
  { word: 'docs', href: '/docs', Icon: BookOpen, section: 'work', routes: { '/docs': Docs } },
  {
    word: 'connections',
    href: '/connections',
    Icon: Cable,
    section: 'data',
    routes: {
      '/connections': Connections,
      '/connections/new': ChooseConnector,
      '/connections/new/:connector': NewConnection,
      '/connections/:id': Connection,
    },
  },
  {
    word: 'connectors',
    href: '/connectors',
    Icon: Plug,
    section: 'data',
    routes: { '/connectors': Connectors, '/connectors/:id': Connector },
  },
  {
    word: 'files',
    href: '/files',
    Icon: FilesIcon,
    section: 'data',
    permission: 'file:read',
    routes: { '/files': Files },
  },
  {
    word: 'members',
    href: '/members',
    Icon: Users,
    section: 'organization',
    permission: 'organization:manage_members',
    routes: { '/members': Members, '/members/:tab': Members },
  },
  {
    word: 'editions',
    href: '/editions',
    Icon: Layers,
    section: 'organization',
    routes: { '/editions': Editions, '/editions/:tab': Editions },
  },
  {
    word: 'analytics',
    href: '/analytics',
    Icon: ChartNoAxesColumn,
    section: 'organization',
    permission: 'execution:read',
    routes: { '/analytics': Analytics, '/analytics/:id': Analytics },
  },
  {
    word: 'settings',
    href: '/settings',
    Icon: Settings2,
    section: 'organization',
    routes: { '/settings': Settings, '/settings/:tab': Settings },
  },
  {
    word: 'trash',
    href: '/trash',
    Icon: Trash2,
    section: 'organization',
    permission: 'flow:restore',
    routes: { '/trash': Trash },
  },
  {
    word: 'plugins',
    href: '/plugins',
    Icon: Puzzle,
    section: 'installation',
    permission: 'plugin:manage',
    routes: { '/plugins': Plugins },
  },
  {
    word: 'workers',
    href: '/workers',
    Icon: Cpu,
    section: 'installation',
    permission: 'system:manage',
    routes: { '/workers': Workers, '/workers/:tab': Workers },
  },
  {
    word: 'system',
    href: '/system',
    Icon: ServerCog,
    section: 'installation',
    permission: 'system:manage',
    routes: { '/system': System, '/system/:tab': System },
  },
  {
    word: 'profile',
    href: '/profile',
    Icon: CircleUser,
    section: 'self',
    routes: { '/profile': Profile, '/profile/:tab': Profile },
  },
]
