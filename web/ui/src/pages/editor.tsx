// The editor of one flow: canvas or outline, settings, results.
import { ReactFlowProvider } from '@xyflow/react'
import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { CSSProperties } from 'react'
import { Link } from 'wouter'
import { ApiError, get, put, request } from '../api/client'
import { client, useFlow, useNodeTypes } from '../api/queries'
import type { Canvas, Execution } from '../api/types'
import { useMe } from '../app/me'
import { useAutosave } from '../flow/autosave'
import { CanvasView } from '../flow/canvas'
import { FlowPageContext } from '../flow/context'
import { Dock } from '../flow/dock'
import { Grip, useWidth } from '../flow/grip'
import { EditorHead } from '../flow/head'
import { useKeys } from '../flow/keys'
import { Palette } from '../flow/palette'
import { pinsUsed, showPins } from '../flow/pins'
import type { Pin } from '../flow/pins'
import { useProblems } from '../flow/problems'
import type { Part } from '../flow/run'
import { execute, leave, watch } from '../flow/run'
import { Settings } from '../flow/settings'
import type { Draft } from '../flow/draft'
import { document as canvas, isOneOf, saved, select, sending, show, useDoc } from '../flow/store'
import { useUi } from '../flow/ui'
import { later } from '../flow/views'
import { Trouble, Waiting } from '../kit/parts'
import { fail, say } from '../kit/toasts'
import { t } from '../lib/text'

const Outline = later(() => import('../flow/outline').then((all) => all.Outline))
const Conflict = later(() => import('../flow/conflict').then((all) => all.Conflict), true)
const Connect = later(() => import('../flow/connect').then((all) => all.Connect), true)
const StepMenu = later(() => import('../flow/menu').then((all) => all.StepMenu), true)
const Ghost = later(() => import('../flow/ghost').then((all) => all.Ghost), true)
const Find = later(() => import('../flow/find').then((all) => all.Find), true)
const PinRows = later(() => import('../flow/rows').then((all) => all.PinRows), true)
const MakeVersion = later(() => import('./versions/make').then((all) => all.MakeVersion), true)
const Lost = later(() => import('../flow/lost').then((all) => all.Lost), true)
const Shortcuts = later(() => import('../flow/shortcuts').then((all) => all.Shortcuts), true)

export default function Editor({ id }: { id: string }) {
  const types = useNodeTypes()
  const flow = useFlow(id)
  const [shown, setShown] = useState('')
  const stored = useQuery({
    queryKey: ['canvas', id],
    queryFn: () => request<Canvas>('GET', `/flows/${id}/data`),
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
  useEffect(() => {
    if (!stored.data || !types.data) return
    if (show(id, stored.data.data, new Map(types.data.map((type) => [type.id, type])))) say(t('flow.back'), 'info')
    const step = new URLSearchParams(location.search).get('step')
    if (step) select([step])
    showPins(stored.data.meta?.pins as Record<string, Pin> | undefined)
    setShown(id)
  }, [stored.data, types.data, id])
  useEffect(() => {
    void request<Execution[]>('GET', `/executions?flow_id=${id}&per_page=1`)
      .then(({ data: [last] }) => {
        if (last) void watch(last.id)
      })
      .catch(() => undefined)
    return () => {
      leave()
      showPins(undefined)
      useUi.setState({ menu: null, palette: null, rowsOf: '', versioning: false })
    }
  }, [id])
  const bring = (draft: Draft) => {
    if (stored.data && types.data) show(id, stored.data.data, new Map(types.data.map((type) => [type.id, type])), draft)
  }
  const error = flow.error ?? types.error ?? stored.error
  if (error)
    return (
      <main className="page" id="main">
        <Trouble
          error={error}
          again={() => {
            void flow.refetch()
            void types.refetch()
            void stored.refetch()
          }}
        />
        <Link href="/flows" className="button">
          {t('app.allFlows')}
        </Link>
      </main>
    )
  if (!flow.data || !types.data || shown !== id)
    return (
      <main className="page" id="main">
        <Waiting what={t('flow.theFlow')} />
      </main>
    )
  return (
    <ReactFlowProvider key={id}>
      <Open id={id} name={flow.data.name} active={flow.data.status === 'active'} types={types.data} bring={bring} />
    </ReactFlowProvider>
  )
}

type Props = {
  id: string
  name: string
  active: boolean
  types: NonNullable<ReturnType<typeof useNodeTypes>['data']>
  bring: (draft: Draft) => void
}

function Open({ id, name, active, types: listed, bring }: Props) {
  const types = useMemo(() => new Map(listed.map((type) => [type.id, type])), [listed])
  const problems = useProblems(id)
  const me = useMe()
  const readOnly = Boolean(me && !me.permissions.includes('flow:update'))
  const { face, settings, versioning } = useUi()
  const selected = useDoc((state) => state.nodes.some((node) => node.selected))
  const width = useWidth((state) => state.width)
  const { save, run } = useActs(id)
  const page = useMemo(
    () => ({ flowId: id, types, problems, readOnly, save, run }),
    [id, types, problems, readOnly, save, run],
  )
  useAutosave(page, active)
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (useDoc.getState().dirty) event.preventDefault()
    }
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [])
  return (
    <FlowPageContext value={page}>
      <Keys />
      <main className="editor" id="main" data-sheet={(selected && settings) || undefined}>
        <EditorHead name={name} />
        {!readOnly && <Lost flowId={id} bring={bring} />}
        <div className="editor-main" style={{ '--settings': `${width}px` } as CSSProperties}>
          <div className="editor-left">
            {face === 'canvas' ? <CanvasView /> : <Outline />}
            <Dock />
          </div>
          <div className="settings-side">
            <Grip />
            <Settings />
          </div>
        </div>
      </main>
      <Palette />
      <Connect />
      <Find />
      <StepMenu />
      <PinRows />
      <Shortcuts />
      <Ghost />
      {versioning && <MakeVersion id={id} onClose={() => useUi.setState({ versioning: false })} />}
      <Conflict reload={() => void client.refetchQueries({ queryKey: ['canvas', id], exact: true })} />
    </FlowPageContext>
  )
}

function Keys() {
  useKeys()
  return null
}

const isConflict = (error: unknown): error is ApiError => error instanceof ApiError && error.code === 'VERSION_CONFLICT'

/** Save and run. */
function useActs(id: string) {
  const last = useRef<Promise<boolean>>(Promise.resolve(true))
  const newest = useRef(0)
  const store = useCallback(
    async (quiet: boolean, asked: ReturnType<typeof useDoc.getState>): Promise<boolean> => {
      const now = useDoc.getState()
      const doc = now.flowId === id ? now : asked // another flow is shown by now: this one as it was left
      if (quiet && !doc.dirty) return true
      const unanswered = sending(id, doc)
      const write = (version: number) => put<{ row_version: number }>(`/flows/${id}/data`, canvas(doc), version)
      try {
        const done = await write(Math.max(doc.version, newest.current)).catch(async (error: unknown) => {
          if (!unanswered.length || !isConflict(error)) throw error
          const stored = await get<Canvas>(`/flows/${id}/data`) // it may be our own save, whose answer was lost
          if (!isOneOf(unanswered, stored)) throw error
          return write(stored.row_version)
        })
        newest.current = done.row_version
        saved(id, done.row_version, doc)
        void client.invalidateQueries({ queryKey: ['flows'] })
        if (!quiet) say(t('flow.saved.done'), 'ok')
        return true
      } catch (error) {
        if (isConflict(error)) useUi.setState({ conflict: true })
        else if (!quiet || !(error instanceof ApiError && error.status === 0)) fail(error)
        return false
      }
    },
    [id],
  )
  /** One after the other: each save builds on the version that the one before made. */
  const save = useCallback(
    (quiet = false) => {
      const asked = useDoc.getState()
      return (last.current = last.current.then(() => store(quiet, asked)))
    },
    [store],
  )

  const run = useCallback(
    (part?: Part) => {
      void (async () => {
        if (useDoc.getState().dirty && !(await save())) return
        try {
          await execute(id, part)
          const pins = pinsUsed()
          if (pins) say(t('flow.pins', { n: pins }))
        } catch (error) {
          fail(error)
          if (error instanceof ApiError && error.details.problems) useUi.setState({ dock: 'problems', dockOpen: true })
        }
      })()
    },
    [id, save],
  )
  return { save, run }
}
