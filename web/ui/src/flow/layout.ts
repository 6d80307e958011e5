// Tidy: asks the worker for places; the policy `own-workers` lets this one script address pass Trusted Types.
import type { Doc } from './graph'
import { HEIGHT, WIDTH, isStep } from './graph'
import type { Ask } from './layout.worker'
import address from './layout.worker?worker&url'

type Places = Record<string, { x: number; y: number }>
type Policies = { createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string } }

const factory = (globalThis as { trustedTypes?: Policies }).trustedTypes
const policy = factory?.createPolicy('own-workers', {
  createScriptURL(url) {
    if (new URL(url, location.href).origin !== location.origin) throw new TypeError('a worker comes from this server only')
    return url
  },
})

/** Left-to-right places for every step of the document. */
export function tidied({ nodes, edges }: Doc): Promise<Places> {
  const worker = new Worker(policy ? policy.createScriptURL(address) : address, { type: 'module' })
  const steps = nodes.filter(isStep)
  const known = new Set(steps.map(({ id }) => id))
  const ask: Ask = {
    nodes: steps.map(({ id }) => ({ id, width: WIDTH, height: HEIGHT })),
    edges: edges.filter((edge) => known.has(edge.source) && known.has(edge.target)).map(({ source, target }) => ({ source, target })),
  }
  return new Promise<Places>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Places>) => resolve(data)
    worker.onerror = () => reject(new Error('The steps could not be arranged; reload the page and try again.'))
    worker.postMessage(ask)
  }).finally(() => worker.terminate())
}
