// Every page: its address, its place in the navigation, and who finds it there. The API decides who may do what.
import { Activity, Cable, CircleCheckBig, Workflow, Zap } from 'lucide-react'
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

const Flows = page(() => import('../pages/flows'))
const Editor = page(() => import('../pages/editor'))
const Executions = page(() => import('../pages/executions'))
const Execution = page(() => import('../pages/execution'))
const Triggers = page(() => import('../pages/triggers'))
const Approvals = page(() => import('../pages/approvals'))
const Versions = page(() => import('../pages/versions'))
const FlowText = page(() => import('../pages/flow_text'))
const Connections = page(() => import('../pages/connections'))

export const PLACES: Place[] = [
  { word: 'flows', href: '/flows', Icon: Workflow, section: 'work', routes: { '/flows': Flows, '/flows/:id': Editor, '/flows/:id/versions': Versions, '/flows/:id/text': FlowText } },
  { word: 'executions', href: '/executions', Icon: Activity, section: 'work', routes: { '/executions': Executions, '/executions/:id': Execution } },
  { word: 'triggers', href: '/triggers', Icon: Zap, section: 'work', routes: { '/triggers': Triggers } },
  { word: 'approvals', href: '/approvals', Icon: CircleCheckBig, section: 'work', routes: { '/approvals': Approvals, '/approvals/:id': Approvals } },
  { word: 'connections', href: '/connections', Icon: Cable, section: 'data', routes: { '/connections': Connections } },
]
