// Steps in the order in which rows flow; beside each other from left to right. Pure.
import type { CanvasEdge, CanvasNode } from '../api/types'
import { wiresFrom } from './lookup'

export function inOrder<N extends CanvasNode>(nodes: N[], edges: CanvasEdge[]): N[] {
  const sorted = [...nodes].sort((a, b) => a.position.x - b.position.x || a.position.y - b.position.y)
  const place = new Map(sorted.map((node, at) => [node.id, at]))
  const left = new Map<string, number>()
  edges.forEach(({ source, target }) => {
    if (place.has(source)) left.set(target, (left.get(target) ?? 0) + 1)
  })
  const ready = sorted.flatMap((node, at) => (left.get(node.id) ? [] : [at]))
  const found: N[] = []
  const done = new Set<string>()
  for (let next = ready.shift(); next !== undefined || found.length < sorted.length; next = ready.shift()) {
    const node = next === undefined ? sorted.find((one) => !done.has(one.id)) : sorted[next]
    if (!node) break
    if (done.has(node.id)) continue
    found.push(node)
    done.add(node.id)
    for (const { target } of wiresFrom(edges, node.id)) {
      const rest = (left.get(target) ?? 1) - 1
      left.set(target, rest)
      const at = place.get(target)
      if (rest === 0 && at !== undefined && !done.has(target)) put(ready, at)
    }
  }
  return found
}

/** Into a sorted list, where it belongs. */
function put(list: number[], value: number) {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] as number) < value) low = middle + 1
    else high = middle
  }
  list.splice(low, 0, value)
}
