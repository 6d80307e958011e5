// One WebSocket for the tab: channels subscribe, a cut line reconnects with backoff and goes on after the last sequence.
import { create } from 'zustand'
import { post } from './client'

export type Message = { op: string; channel: string; seq?: number; type: string; data: Record<string, unknown> }
type Listener = (message: Message) => void
type Channel = { listeners: Set<Listener>; seq: number }

const BACKOFF_MS = [500, 1_000, 2_000, 5_000, 10_000]
const PING_MS = 25_000

export const useLine = create<{ state: 'idle' | 'open' | 'lost' }>(() => ({ state: 'idle' }))

const channels = new Map<string, Channel>()
let socket: WebSocket | undefined
let connecting = false
let failures = 0

const send = (message: Record<string, unknown>) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}
const open = (name: string, { seq }: Channel) => send({ op: 'subscribe', channel: name, after: seq })

async function connect() {
  if (connecting || socket) return
  connecting = true
  try {
    const { ticket } = await post<{ ticket: string }>('/ws-tickets')
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    socket = new WebSocket(`${scheme}://${location.host}/ws`, ['headrace.v1', `ticket.${ticket}`])
    socket.onopen = () => {
      failures = 0
      useLine.setState({ state: 'open' })
      channels.forEach((channel, name) => open(name, channel))
    }
    socket.onmessage = (event) => hear(JSON.parse(event.data as string) as Message)
    socket.onclose = () => { socket = undefined; later() }
  } catch {
    later()
  } finally {
    connecting = false
  }
}

function later() {
  useLine.setState({ state: channels.size ? 'lost' : 'idle' })
  if (!channels.size) return
  const pause = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)] ?? 10_000
  failures += 1
  setTimeout(() => void connect(), pause)
}

function hear(message: Message) {
  const channel = channels.get(message.channel)
  if (!channel) return
  if (message.seq !== undefined) channel.seq = message.op === 'resync' ? message.seq : Math.max(channel.seq, message.seq)
  if (message.op === 'event' || message.op === 'resync') channel.listeners.forEach((listener) => listener(message))
}

setInterval(() => send({ op: 'ping' }), PING_MS)

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
  }
}
