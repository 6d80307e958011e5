// A flow that is not active saves itself a moment after the last change. An active one waits for Save: its triggers
// start what is stored, and half an edit must not run.
import { useEffect } from 'react'
import type { FlowPage } from './context'
import { useDoc } from './store'
import { useUi } from './ui'

const QUIET_MS = 3_000
const LONGEST_MS = 20_000

export function useAutosave({ flowId, readOnly, save }: FlowPage, active: boolean) {
  useEffect(() => {
    if (readOnly || active) return undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let since = 0
    let refused = false
    const act = async () => {
      since = 0
      if (!(await save(true))) plan(LONGEST_MS)
    }
    const plan = (quiet = QUIET_MS) => {
      const { dirty, flowId: shown } = useDoc.getState()
      clearTimeout(timer)
      if (!dirty || refused || shown !== flowId) return
      since ||= Date.now()
      timer = setTimeout(() => void act(), Math.min(quiet, Math.max(0, since + LONGEST_MS - Date.now())))
    }
    plan()
    /** After a conflict it is the person's turn: nothing is tried again until they have saved or taken the other. */
    const hold = useUi.subscribe(({ conflict }) => {
      if (conflict) {
        refused = true
        clearTimeout(timer)
      }
    })
    const stop = useDoc.subscribe((now, before) => {
      if (!now.dirty) refused = false
      if (now.revision !== before.revision) plan()
    })
    return () => {
      clearTimeout(timer)
      stop()
      hold()
      if (useDoc.getState().dirty && useDoc.getState().flowId === flowId && !refused) void save(true)
    }
  }, [flowId, readOnly, active, save])
}
