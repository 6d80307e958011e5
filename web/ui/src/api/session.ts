// A sign-in that ended: calls wait until somebody signs in again, so that nothing on the page is lost.
import { create } from 'zustand'

export const useSession = create<{ ended: boolean }>(() => ({ ended: false }))
let known = false
let waiting: (() => void)[] = []

const tabs = new BroadcastChannel('headrace.session')
const leave = () => location.assign('/login')
tabs.onmessage = leave
/** Whoever signs out is out in every tab. */
export const out = () => {
  tabs.postMessage('out')
  leave()
}

/** Somebody is signed in. */
export const isKnown = () => {
  known = true
}

/** Waits for the next sign-in; on a page that never had one, the page of the entrance takes over. */
export function ended(): Promise<void> {
  if (!known) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`)
    return new Promise(() => undefined)
  }
  useSession.setState({ ended: true })
  return new Promise((resolve) => {
    waiting.push(resolve)
  })
}

export function resumed() {
  useSession.setState({ ended: false })
  const calls = waiting
  waiting = []
  calls.forEach((resolve) => resolve())
}
