// Who else has this flow open, told over the line; whoever is silent for long is gone.
import { useEffect, useState } from 'react'
import { subscribe } from '../api/socket'
import { useMe } from '../app/me'
import { t } from '../lib/text'
import { useFlowPage } from './context'

const SILENT_MS = 60_000
const LOOK_MS = 10_000
const SHOWN = 3
type Other = { user: string; name: string; at: number }

export function Presence() {
  const { flowId } = useFlowPage()
  const me = useMe()?.user.id
  const [others, setOthers] = useState<Record<string, Other>>({})
  useEffect(() => {
    const end = subscribe(`presence:${flowId}`, ({ type, data: { id, user_id: user, name, state } }) => {
      if (type !== 'presence') return
      setOthers(({ [String(id)]: _before, ...rest }) =>
        state === 'went' ? rest : { ...rest, [String(id)]: { user: String(user), name: String(name), at: Date.now() } },
      )
    })
    const timer = setInterval(
      () =>
        setOthers((now) =>
          Object.fromEntries(Object.entries(now).filter(([, one]) => Date.now() - one.at < SILENT_MS)),
        ),
      LOOK_MS,
    )
    return () => {
      end()
      clearInterval(timer)
      setOthers({})
    }
  }, [flowId])
  const people = [
    ...new Map(
      Object.values(others)
        .filter(({ user }) => user !== me)
        .map(({ user, name }) => [user, name]),
    ).values(),
  ]
  const mine = Object.values(others).some(({ user }) => user === me)
  const words = [...people, ...(mine ? [t('flow.presence.you')] : [])]
  if (!words.length) return null
  const said = t('flow.presence', { who: words.join(', ') })
  return (
    <span className="presence" role="img" aria-label={said} title={said}>
      {words.slice(0, SHOWN).map((name) => (
        <span key={name} aria-hidden="true">
          {initials(name)}
        </span>
      ))}
      {words.length > SHOWN && <span aria-hidden="true">+{words.length - SHOWN}</span>}
    </span>
  )
}

const initials = (name: string) =>
  name
    .split(/\s+/)
    .slice(0, 2)
    .map((part) => part.charAt(0).toUpperCase())
    .join('')
