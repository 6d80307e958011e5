// Ways to sign in that the organization has set up.
import type { Me } from '../../api/types.gen'

export function Providers({ me }: { me: Me }) {
  return <p>{me.organization.name}</p>
}
