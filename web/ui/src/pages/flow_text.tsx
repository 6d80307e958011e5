// A flow as text: what stands here is the flow, and what is changed here is changed there.
import { Download, History, Pencil, Save } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { Link } from 'wouter'
import { call } from '../api/call'
import { ApiError, get } from '../api/client'
import { client, useFlow } from '../api/queries'
import type { Canvas } from '../api/types'
import type { FlowProblem } from '../api/types.gen'
import { useMay } from '../app/me'
import { useTitle } from '../app/title'
import { FormContext } from '../form/context'
import { CodeArea } from '../form/code'
import { StateIcon } from '../kit/icon'
import { Page, Trouble, Waiting } from '../kit/parts'
import { say } from '../kit/toasts'
import { t } from '../lib/text'
import '../styles/results.css'

const TRY_MS = 500
const CODE = { type: 'string', 'x-ui': { language: 'yaml', rows: 24 } }
type Stored = { text: string; version: number }
type Found = { problems: FlowProblem[]; wrong: string }

/** The text that is stored, and the version of the canvas that it is of. */
async function read(id: string): Promise<Stored> {
  const { row_version: version } = await get<Canvas>(`/flows/${id}/data`)
  const answer = await fetch(`/api/v1/flows/${id}/export`).catch(() => null)
  if (!answer?.ok)
    throw new ApiError(
      answer?.status ?? 0,
      'UNKNOWN',
      answer ? t('app.answered', { status: answer.status }) : t('app.offline'),
    )
  return { text: await answer.text(), version }
}

export default function FlowTextPage({ id }: { id: string }) {
  const flow = useFlow(id)
  const [stored, setStored] = useState<Stored | null>(null)
  const [error, setError] = useState<Error | null>(null)
  useTitle(flow.data ? t('flowtext.of', { name: flow.data.name }) : t('flowtext.title'))
  const load = () => {
    setError(null)
    void read(id).then(setStored, setError)
  }
  useEffect(load, [id])
  const title = flow.data?.name ?? t('flowtext.title')
  const failed = error ?? flow.error
  if (failed)
    return (
      <Page title={title}>
        <Trouble
          error={failed}
          again={() => {
            void flow.refetch()
            load()
          }}
        />
        <Link href="/flows" className="button">
          {t('app.allFlows')}
        </Link>
      </Page>
    )
  if (!stored || !flow.data)
    return (
      <Page title={title}>
        <Waiting what={t('flowtext.word')} />
      </Page>
    )
  return <Text id={id} title={title} stored={stored} reload={load} taken={setStored} key={stored.version} />
}

function Text({
  id,
  title,
  stored,
  reload,
  taken,
}: {
  id: string
  title: string
  stored: Stored
  reload: () => void
  taken: (stored: Stored) => void
}) {
  const may = useMay('flow:update')
  const [text, setText] = useState(stored.text)
  const [found, setFound] = useState<Found>({ problems: [], wrong: '' })
  const [conflict, setConflict] = useState('')
  const [busy, setBusy] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const dirty = text !== stored.text
  useEffect(() => {
    if (!may) return
    let over = false
    const timer = setTimeout(
      () =>
        void put(id, { text, dry_run: true }).then((answer) => {
          if (!over) setFound(answer)
        }),
      TRY_MS,
    )
    return () => {
      over = true
      clearTimeout(timer)
    }
  }, [id, text, may])
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (dirty) event.preventDefault()
    }
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [dirty])
  const save = async () => {
    setBusy(true)
    const answer = await put(id, { text, row_version: stored.version })
    setBusy(false)
    setFound(answer)
    if (answer.conflict) return setConflict(answer.conflict)
    if (answer.wrong) return
    for (const key of ['canvas', 'flow', 'versions']) void client.invalidateQueries({ queryKey: [key, id] })
    void client.invalidateQueries({ queryKey: ['flows'] })
    say(t('flowtext.saved'), 'ok')
    taken(await read(id))
  }
  const line = Number(/\bline (\d+)/.exec(found.wrong)?.[1] ?? 0)
  const shown = found.wrong ? `${found.wrong}${line && !/\(line \d+\)/.test(found.wrong) ? ` (line ${line})` : ''}` : ''
  const form = useMemo(() => ({ root: {}, readOnly: !may, errors: { text: shown }, scope: 'flowtext' }), [may, shown])
  const go = (step: string) => {
    const field = box.current?.querySelector('textarea')
    const at = text.search(new RegExp(`^- id: ['"]?${step.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}['"]?\\s*$`, 'm'))
    if (!field || at < 0) return
    field.focus()
    field.setSelectionRange(at, text.indexOf('\n', at))
    field.scrollTop = Math.max(0, (text.slice(0, at).split('\n').length - 4) * 19)
  }
  const actions = (
    <>
      <a className="button" href={`/api/v1/flows/${id}/export`} download>
        <Download size={15} aria-hidden="true" />
        {t('flowtext.download')}
      </a>
      <Link href={`/flows/${id}/versions`} className="button">
        <History size={15} aria-hidden="true" />
        {t('flowtext.versions')}
      </Link>
      <Link href={`/flows/${id}`} className="button">
        <Pencil size={14} aria-hidden="true" />
        {t('flowtext.canvas')}
      </Link>
      {may && (
        <button
          type="button"
          className="button primary"
          disabled={!dirty || busy || Boolean(found.wrong)}
          onClick={() => void save()}
        >
          <Save size={15} aria-hidden="true" />
          {t('flowtext.save')}
        </button>
      )}
    </>
  )
  return (
    <Page title={title} text={t(dirty ? 'flowtext.unsaved' : 'flowtext.title')} actions={actions}>
      {conflict && (
        <div className="notice" data-tone="error" role="alert">
          <p>{conflict}</p>
          <button type="button" className="button" onClick={reload}>
            {t('flowtext.reload')}
          </button>
        </div>
      )}
      <div
        className="flow-text"
        ref={box}
        onKeyDown={(event) => {
          if (event.key === 's' && (event.ctrlKey || event.metaKey)) {
            event.preventDefault()
            if (may && dirty && !found.wrong) void save()
          }
        }}
      >
        <div className="card field flow-text-code">
          <label className="sr" htmlFor="flow-text">
            {t('flowtext.title')}
          </label>
          <FormContext value={form}>
            <CodeArea
              id="flow-text"
              path="text"
              label={t('flowtext.title')}
              nullable={false}
              schema={CODE}
              value={text}
              onChange={(value) => {
                if (may) setText(String(value ?? ''))
              }}
              described="flow-text-said"
              invalid={Boolean(found.wrong)}
              required
            />
          </FormContext>
        </div>
        <section className="card flow-text-problems" aria-label={t('flowtext.problems')} id="flow-text-said">
          <h2>{t('flowtext.problems')}</h2>
          {found.wrong ? (
            <p className="field-error" role="alert">
              {found.wrong}
            </p>
          ) : !found.problems.length ? (
            <p className="soft">{t(may ? 'flowtext.fine' : 'flowtext.readOnly')}</p>
          ) : (
            <ul className="problems">
              {found.problems.map((one, at) => (
                <li key={at}>
                  <button type="button" onClick={() => go(one.node_id ?? '')}>
                    <StateIcon name={one.severity === 'error' ? 'failed' : 'warning'} />
                    <span>{one.message}</span>
                    <span className="soft">{one.fix}</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
          <p className="soft flow-text-help">{t('flowtext.help')}</p>
        </section>
      </div>
    </Page>
  )
}

/** Try or save a text; what is wrong with it comes back as words. */
async function put(
  id: string,
  body: { text: string; dry_run?: boolean; row_version?: number },
): Promise<Found & { conflict: string }> {
  try {
    const { problems } = await call('PUT /flows/{flow_id}/text', { path: { flow_id: id }, body })
    return { problems, wrong: '', conflict: '' }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { problems: [], wrong: message, conflict: error instanceof ApiError && error.status === 412 ? message : '' }
  }
}
