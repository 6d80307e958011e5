// What the server finds wrong with the canvas as it stands, a moment after each change.
import { useEffect, useState } from 'react'
import { post } from '../api/client'
import type { Problem } from '../api/types'
import { document as canvas, useDoc } from './store'

const QUIET_MS = 400

export function useProblems(id: string): Problem[] {
  const [problems, setProblems] = useState<Problem[]>([])
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let asking = false
    let again = false
    let gone = false
    const ask = async () => {
      if (asking) {
        again = true
        return
      }
      asking = true
      const { nodes, edges } = canvas()
      const found = await post<{ problems: Problem[] }>(`/flows/${id}/validate`, { nodes, edges }).catch(() => null)
      asking = false
      if (gone) return
      if (found) setProblems((now) => (JSON.stringify(now) === JSON.stringify(found.problems) ? now : found.problems))
      if (again) {
        again = false
        later()
      }
    }
    const later = () => {
      clearTimeout(timer)
      timer = setTimeout(() => void ask(), QUIET_MS)
    }
    later()
    const stop = useDoc.subscribe((now, before) => {
      if (now.revision !== before.revision && meant(now, before)) later()
    })
    return () => {
      clearTimeout(timer)
      gone = true
      stop()
    }
  }, [id])
  return problems
}

type Shown = Pick<ReturnType<typeof useDoc.getState>, 'nodes' | 'edges'>
/** Whether more than places changed. */
const meant = (now: Shown, before: Shown) =>
  now.edges.length !== before.edges.length
  || now.nodes.length !== before.nodes.length
  || now.nodes.some((node, at) => node.data !== before.nodes[at]?.data || node.parentId !== before.nodes[at]?.parentId)
  || now.edges.some((edge, at) => edge.id !== before.edges[at]?.id)
