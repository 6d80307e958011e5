// Words for what connectors say of themselves; a word of a plugin's own is shown as it is.
import type { Connector } from '../../api/types'
import { t } from '../../lib/text'

const known = (text: string, own: string) => (text.startsWith('connections.') ? own.replaceAll('_', ' ') : text)

export const category = (id: string) => known(t(`connections.category.${id}`), id)
export const proof = (id: string) => known(t(`connections.proof.${id}`), id)
export const proofWhy = (id: string) => known(t(`connections.proofWhy.${id}`), '')
export const can = (id: string) => known(t(`connections.can.${id}`), id)
export const canWhy = (id: string) => known(t(`connections.canWhy.${id}`), '')

const ORDER = [
  'read',
  'write',
  'incremental',
  'query',
  'messages',
  'upsert',
  'merge',
  'scd2',
  'files',
  'scan',
  'drift',
  'pages',
  'plan',
  'fingerprint',
  'choices',
]
const place = (id: string) => ORDER.indexOf(id) + 1 || ORDER.length + 1
/** What it can do, what matters most first. */
export const capabilities = (connector: Connector) =>
  [...connector.capabilities].sort((a, b) => place(a) - place(b) || a.localeCompare(b))
export const byImportance = (ids: Iterable<string>) =>
  [...ids].sort((a, b) => place(a) - place(b) || a.localeCompare(b))

/** Whether a connector has all the words of a search in its name, text or package. */
export function matches(connector: Connector, q: string): boolean {
  const text =
    `${connector.title} ${connector.id} ${connector.summary} ${connector.category} ${category(connector.category)} ${connector.plugin.distribution}`.toLowerCase()
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}
