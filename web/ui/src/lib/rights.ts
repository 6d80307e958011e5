// Roles and rights in words.
import { known } from './known'
import { t } from './text'

const OURS = ['viewer', 'operator', 'editor', 'admin', 'owner']
/** Ours have a word in each language; an organization's own are called as they were named. */
export const roleWord = (id: string, name = id) => (OURS.includes(id) ? t(`rights.role.${id}`) : name)

export const resourceWord = (resource: string) => known(t(`rights.resource.${resource}`), resource)
export const actionWord = (action: string) => known(t(`rights.action.${action}`), action)

const split = (right: string): [string, string] => {
  const [resource = '', action = ''] = right.split(':')
  return [resource, action]
}
export const rightWord = (right: string) => {
  const [resource, action] = split(right)
  return `${resourceWord(resource)}: ${actionWord(action)}`
}

/** Actions by resource, in the order of the list. */
export function byResource(rights: string[]): [string, string[]][] {
  const found = new Map<string, string[]>()
  for (const right of rights) {
    const [resource, action] = split(right)
    found.set(resource, [...(found.get(resource) ?? []), action])
  }
  return [...found].sort(([a], [b]) => order(a) - order(b) || a.localeCompare(b))
}

const ORDER = [
  'flow',
  'folder',
  'job',
  'workspace',
  'execution',
  'approval',
  'connection',
  'schedule',
  'trigger',
  'webhook',
  'version',
  'draft',
  'template',
  'quality',
  'asset',
  'dashboard',
  'report',
  'file',
  'comment',
  'share',
  'grant',
  'release',
  'alert',
  'ai',
  'apikey',
  'audit',
  'purge',
  'organization',
]
const order = (resource: string) => {
  const at = ORDER.indexOf(resource)
  return at < 0 ? ORDER.length : at
}
