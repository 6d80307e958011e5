// The editor of one flow: canvas or outline, settings, results.
import { ReactFlowProvider } from '@xyflow/react'
import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { ApiError, get, post, put, request } from '../api/client'
import { client, useFlow, useNodeTypes } from '../api/queries'
import type { Canvas, Execution, Problem } from '../api/types'
import { CanvasView } from '../flow/canvas'
import { Conflict } from '../flow/conflict'
import { Connect } from '../flow/connect'
import { FlowPageContext } from '../flow/context'
import { Dock } from '../flow/dock'
import { EditorHead } from '../flow/head'
import { useKeys } from '../flow/keys'
import { Outline } from '../flow/outline'
import { Palette } from '../flow/palette'
import type { Part } from '../flow/run'
import { execute, leave, watch } from '../flow/run'
import { Settings } from '../flow/settings'
import { Shortcuts } from '../flow/shortcuts'
import { document as canvas, saved, select, show, useDoc } from '../flow/store'
import { useUi } from '../flow/ui'
import { Trouble, Waiting } from '../kit/parts'
import { fail, say } from '../kit/toasts'
import { useMe } from '../app/me'

const VALIDATE_MS = 400

export default function Editor({ id }: { id: string }) {
  const types = useNodeTypes()
  const flow = useFlow(id)
  const [shown, setShown] = useState('')
  const stored = useQuery({ queryKey: ['canvas', id], queryFn: () => get<Canvas>(`/flows/${id}/data`), staleTime: Infinity, gcTime: 0, refetchOnWindowFocus: false })
  useEffect(() => {
    if (!stored.data || !types.data) return
    if (show(id, stored.data, new Map(types.data.map((type) => [type.id, type])))) say('Your unsaved changes are back.', 'info')
    const step = new URLSearchParams(location.search).get('step')
    if (step) select([step])
    setShown(id)
  }, [stored.data, types.data, id])
  useEffect(() => {
    void request<Execution[]>('GET', `/executions?flow_id=${id}&per_page=1`).then(({ data: [last] }) => { if (last) void watch(last.id) }).catch(() => undefined)
    return leave
  }, [id])
  const error = flow.error ?? types.error ?? stored.error
  if (error) return <main className="page" id="main"><Trouble error={error} again={() => { void flow.refetch(); void types.refetch(); void stored.refetch() }} /></main>
  if (!flow.data || !types.data || shown !== id) return <main className="page" id="main"><Waiting what="the flow" /></main>
  return <ReactFlowProvider><Open id={id} name={flow.data.name} types={types.data} /></ReactFlowProvider>
}

function Open({ id, name, types: listed }: { id: string; name: string; types: NonNullable<ReturnType<typeof useNodeTypes>['data']> }) {
  const types = useMemo(() => new Map(listed.map((type) => [type.id, type])), [listed])
  const problems = useProblems(id)
  const me = useMe()
  const readOnly = Boolean(me && !me.permissions.includes('flow:update'))
  const { face, settings } = useUi()
  const selected = useDoc((state) => state.nodes.some((node) => node.selected))

  const save = useCallback(async (): Promise<boolean> => {
    const was = useDoc.getState()
    try {
      const done = await put<{ row_version: number }>(`/flows/${id}/data`, canvas(), was.version)
      saved(done.row_version, was)
      void client.invalidateQueries({ queryKey: ['flows'] })
      say('Saved.', 'ok')
      return true
    } catch (error) {
      if (error instanceof ApiError && error.code === 'VERSION_CONFLICT') useUi.setState({ conflict: error.message })
      else fail(error)
      return false
    }
  }, [id])

  const run = useCallback((part?: Part) => {
    void (async () => {
      if (useDoc.getState().dirty && !(await save())) return
      try {
        await execute(id, part)
      } catch (error) {
        fail(error)
        if (error instanceof ApiError && error.details.problems) useUi.setState({ dock: 'problems', dockOpen: true })
      }
    })()
  }, [id, save])

  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => { if (useDoc.getState().dirty) event.preventDefault() }
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [])

  const page = useMemo(() => ({ flowId: id, types, problems, readOnly, save, run }), [id, types, problems, readOnly, save, run])
  return (
    <FlowPageContext value={page}>
      <Keys />
      <main className="editor" id="main" data-sheet={(selected && settings) || undefined}>
        <EditorHead name={name} />
        <div className="editor-main">
          <div className="editor-left">
            {face === 'canvas' ? <CanvasView /> : <Outline />}
            <Dock />
          </div>
          <Settings />
        </div>
      </main>
      <Palette /><Connect /><Shortcuts /><Conflict reload={() => void client.refetchQueries({ queryKey: ['canvas', id] })} />
    </FlowPageContext>
  )
}

function Keys() {
  useKeys()
  return null
}

/** What the server finds wrong with the canvas as it stands, a moment after each change. */
function useProblems(id: string): Problem[] {
  const [problems, setProblems] = useState<Problem[]>([])
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let asked = 0
    const ask = async () => {
      const mine = ++asked
      const { nodes, edges } = canvas()
      const found = await post<{ problems: Problem[] }>(`/flows/${id}/validate`, { nodes, edges }).catch(() => null)
      if (found && mine === asked) setProblems(found.problems)
    }
    const later = () => { clearTimeout(timer); timer = setTimeout(() => void ask(), VALIDATE_MS) }
    later()
    const stop = useDoc.subscribe((now, before) => { if (now.edges.length !== before.edges.length || now.nodes.length !== before.nodes.length || now.nodes.some((node, at) => node.data !== before.nodes[at]?.data)) later() })
    return () => { clearTimeout(timer); asked = -1; stop() }
  }, [id])
  return problems
}
