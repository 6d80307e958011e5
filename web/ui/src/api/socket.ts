// One WebSocket for the tab: channels subscribe, a cut line reconnects with backoff and goes on after the last sequence.
import { create } from 'zustand'
import { post } from './client'

export type Message = { op: string; channel: string; seq?: number; type: string; data: Record<string, unknown> }
type Listener = (message: Message) => void
type Channel = { listeners: Set<Listener>; seq: number }

const BACKOFF_MS = [500, 1_000, 2_000, 5_000, 10_000]
const PING_MS = 25_000
const STEADY_MS = 5_000

export const useLine = create<{ state: 'idle' | 'open' | 'lost' }>(() => ({ state: 'idle' }))

const channels = new Map<string, Channel>()
let socket: WebSocket | undefined
let connecting = false
let failures = 0
let retry: ReturnType<typeof setTimeout> | undefined

const send = (message: Record<string, unknown>) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}
const open = (name: string, { seq }: Channel) => send({ op: 'subscribe', channel: name, after: seq })

async function connect() {
  if (connecting || socket) return
  clearTimeout(retry)
  retry = undefined
  connecting = true
  try {
    const { ticket } = await post<{ ticket: string }>('/ws-tickets')
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const line = new WebSocket(`${scheme}://${location.host}/ws`, ['headrace.v1', `ticket.${ticket}`])
    socket = line
    let steady: ReturnType<typeof setTimeout> | undefined
    line.onopen = () => {
      steady = setTimeout(() => {
        failures = 0
      }, STEADY_MS)
      useLine.setState({ state: 'open' })
      channels.forEach((channel, name) => open(name, channel))
    }
    line.onmessage = (event) => hear(JSON.parse(event.data as string) as Message)
    line.onclose = () => {
      clearTimeout(steady)
      if (socket === line) socket = undefined
      later()
    }
  } catch {
    later()
  } finally {
    connecting = false
  }
}

/** Try again after a growing pause, a little different in each tab; at once when the network comes back. */
function later() {
  useLine.setState({ state: channels.size ? 'lost' : 'idle' })
  if (!channels.size || retry !== undefined) return
  const pause = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)] ?? 10_000
  failures += 1
  retry = setTimeout(() => void connect(), pause * (0.8 + Math.random() * 0.4))
}

function hear(message: Message) {
  const channel = channels.get(message.channel)
  if (!channel || (message.op !== 'event' && message.op !== 'resync')) return
  if (message.seq !== undefined) {
    if (message.op === 'event' && message.seq <= channel.seq) return
    channel.seq = message.seq
  }
  channel.listeners.forEach((listener) => listener(message))
}

setInterval(() => send({ op: 'ping' }), PING_MS)
addEventListener('online', () => {
  if (channels.size) void connect()
})

/** Hear a channel from its beginning; the answer ends it. */
export function subscribe(name: string, listener: Listener): () => void {
  const known = channels.get(name)
  const channel = known ?? { listeners: new Set<Listener>(), seq: 0 }
  channel.listeners.add(listener)
  if (!known) {
    channels.set(name, channel)
    if (socket) open(name, channel)
    else void connect()
  }
  return () => {
    channel.listeners.delete(listener)
    if (channel.listeners.size || channels.get(name) !== channel) return
    channels.delete(name)
    send({ op: 'unsubscribe', channel: name })
    if (!channels.size && !socket) useLine.setState({ state: 'idle' })
  }
}
