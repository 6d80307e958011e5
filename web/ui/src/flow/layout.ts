// Tidy: asks the worker for places; the policy `own-workers` lets this one script address pass Trusted Types.
import { t } from '../lib/text'
import type { Doc, Types } from './graph'
import { isStep, portsOf } from './graph'
import type { Ask, Place } from './layout.worker'
import { EMPTY, HEAD, HEIGHT, PAD, RAIL, WIDTH, border, isLoop } from './nest'
import { groupOf, isGroup } from './notes'
import address from './layout.worker?worker&url'

type Places = Record<string, Place>
type Policies = {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string }
}

const factory = (globalThis as { trustedTypes?: Policies }).trustedTypes
const policy = factory?.createPolicy('own-workers', {
  createScriptURL(url) {
    if (new URL(url, location.href).origin !== location.origin)
      throw new TypeError('a worker comes from this server only')
    return url
  },
})

/** Left-to-right places for every step of the document, those in a loop from the loop's corner; loops get their size. */
export function tidied(doc: Doc, types: Types): Promise<Places> {
  const { nodes, edges } = doc
  const worker = new Worker(policy ? policy.createScriptURL(address) : address, { type: 'module' })
  const steps = nodes.filter(isStep)
  const known = new Set(steps.map(({ id }) => id))
  const groups = nodes.filter(isGroup)
  const ask: Ask = {
    head: HEAD,
    rail: RAIL,
    pad: PAD,
    empty: EMPTY,
    nodes: steps.map((node) => ({
      id: node.id,
      width: WIDTH,
      height: HEIGHT,
      parent: node.parentId ?? '',
      loop: isLoop(types, node),
      group: groups.length ? groupOf(doc, groups, node) : '',
    })),
    edges: edges
      .filter((edge) => known.has(edge.source) && known.has(edge.target) && !border(doc, portsOf(edge)))
      .map(({ source, target }) => ({ source, target })),
  }
  return new Promise<Places>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Places>) => resolve(data)
    worker.onerror = () => reject(new Error(t('flow.tidy.failed')))
    worker.postMessage(ask)
  }).finally(() => worker.terminate())
}
