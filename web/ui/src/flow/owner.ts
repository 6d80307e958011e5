// Whose a draft is.
import { client } from '../api/queries'
import type { Me } from '../api/types'

/** Who works here: somebody of an organization; nobody before that is known. */
export function owner(): string {
  const me = client.getQueryData<Me>(['me'])
  return me ? `${me.organization.id}.${me.user.id}` : ''
}
