// What the end of the whole browser must not lose: each tab's unsaved document, kept on this computer for its account.
import { owner } from './owner'

const STORE = 'drafts'
const TAB = 'headrace.tab'
const MOST = 20
const OLDEST_MS = 30 * 24 * 3_600_000
export type Copy<T> = { owner: string; flow: string; tab: string; at: number; kept: T }
type Said = { asks?: string; has?: string; flow?: string }

function tab(): string {
  const known = sessionStorage.getItem(TAB)
  if (known) return known
  const made = crypto.getRandomValues(new Uint32Array(3)).join('')
  sessionStorage.setItem(TAB, made)
  return made
}

let database: Promise<IDBDatabase> | undefined
const open = () =>
  new Promise<IDBDatabase>((resolve, reject) => {
    const asked = indexedDB.open('headrace', 1)
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: ['owner', 'flow', 'tab'] })
    asked.onsuccess = () => resolve(asked.result)
    asked.onerror = () => reject(asked.error ?? new Error('no database'))
  })

/** One act on what is kept; a browser that keeps nothing answers nothing. */
async function act<T>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T | undefined> {
  try {
    const done = (await (database ??= open())).transaction(STORE, mode)
    const asked = work(done.objectStore(STORE))
    return await new Promise((resolve, reject) => {
      done.oncomplete = () => resolve(asked.result)
      done.onabort = () => reject(done.error ?? new Error('refused'))
    })
  } catch {
    return undefined
  }
}

const between = (...parts: string[]) => IDBKeyRange.bound(parts, [...parts, []])
let left = false
let dirty = ''

/** This tab's document of a flow. */
export function keepCopy<T>(flow: string, kept: T) {
  if (left || !owner()) return
  dirty = flow
  void act('readwrite', (store) =>
    store.put({ owner: owner(), flow, tab: tab(), at: Date.now(), kept } satisfies Copy<T>),
  )
}

/** Saved, or not wanted any more. */
export function dropCopy(flow: string, of = tab()) {
  if (dirty === flow) dirty = ''
  if (owner()) void act('readwrite', (store) => store.delete([owner(), flow, of]))
}

/** Whoever signs out leaves nothing of theirs behind, and no page of theirs keeps anything more. */
export async function leaveNothing() {
  left = true
  sessionStorage.clear()
  if (owner()) await act('readwrite', (store) => store.delete(between(owner())))
}
new BroadcastChannel('headrace.session').addEventListener('message', () => void leaveNothing())

const others = new BroadcastChannel('headrace.drafts')
others.addEventListener('message', ({ data }: MessageEvent<Said>) => {
  if (data.asks && data.asks === dirty) others.postMessage({ has: tab(), flow: dirty })
})
const ANSWER_MS = 400

/** The newest document of a flow that no tab works on: its browser has ended. Old ones go. */
export async function lostCopy<T>(flow: string): Promise<Copy<T> | null> {
  const all =
    (owner() && (await act('readonly', (store) => store.getAll(between(owner())) as IDBRequest<Copy<T>[]>))) || []
  const fresh = all
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST)
    .filter(({ at }) => Date.now() - at < OLDEST_MS)
  all.filter((one) => !fresh.includes(one)).forEach((one) => dropCopy(one.flow, one.tab))
  const found = fresh.filter((one) => one.flow === flow && one.tab !== tab())
  if (!found.length) return null
  const alive = new Set<string>()
  const hear = ({ data }: MessageEvent<Said>) => {
    if (data.has && data.flow === flow) alive.add(data.has)
  }
  others.addEventListener('message', hear)
  others.postMessage({ asks: flow })
  await new Promise((resolve) => {
    setTimeout(resolve, ANSWER_MS)
  })
  others.removeEventListener('message', hear)
  return found.find((one) => !alive.has(one.tab)) ?? null
}
