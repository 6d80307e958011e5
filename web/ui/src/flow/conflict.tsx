// Somebody else saved in between: what differs, and the choice. Nothing is overwritten unasked, nothing is lost.
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useLocation } from 'wouter'
import { get, post, put } from '../api/client'
import { client, useFlow } from '../api/queries'
import type { Canvas } from '../api/types'
import { Dialog } from '../kit/dialog'
import { fail, say } from '../kit/toasts'
import { t } from '../lib/text'
import { differences, taken } from './compare'
import type { Difference } from './compare'
import { useFlowPage } from './context'
import { document as canvas, change, dropDraft, saved, useDoc } from './store'
import { useUi } from './ui'

const SHOWN = 100

export function Conflict({ reload }: { reload: () => void }) {
  const message = useUi((state) => state.conflict)
  return message ? <Open message={message} reload={reload} /> : null
}

function Open({ message, reload }: { message: string; reload: () => void }) {
  const { flowId } = useFlowPage()
  const { data: flow } = useFlow(flowId)
  const [busy, setBusy] = useState(false)
  const [wanted, setWanted] = useState<ReadonlySet<string>>(new Set())
  const [, go] = useLocation()
  const stored = useQuery({ queryKey: ['canvas', flowId, 'theirs'], queryFn: () => get<Canvas>(`/flows/${flowId}/data`), staleTime: 0, gcTime: 0 })
  const close = () => useUi.setState({ conflict: '' })
  const during = (act: () => Promise<void>) => () => {
    setBusy(true)
    void act().catch(fail).finally(() => setBusy(false))
  }
  const theirs = () => { dropDraft(); close(); reload() }
  const mine = during(async () => {
    const now = await get<Canvas>(`/flows/${flowId}/data`)
    await post(`/flows/${flowId}/versions`, { name: t('flow.conflict.kept'), change_summary: t('flow.conflict.kept.why') })
    if (wanted.size) change(taken(useDoc.getState(), now, wanted))
    const { revision } = useDoc.getState()
    const done = await put<{ row_version: number }>(`/flows/${flowId}/data`, canvas(), now.row_version)
    saved(flowId, done.row_version, revision)
    const made = await post<{ number: number }>(`/flows/${flowId}/versions`, { name: '', change_summary: t('flow.conflict.over') })
    say(t('flow.conflict.saved', { mine: String(made.number), theirs: String(made.number - 1) }), 'ok')
    close()
  })
  const copy = during(async () => {
    const { nodes, edges } = canvas()
    const name = t('flow.conflict.copyOf', { flow: flow?.name ?? '' })
    const made = await post<{ id: string }>('/flows', { name, workspace_id: flow?.workspace_id, definition: { nodes, edges } })
    dropDraft()
    close()
    void client.invalidateQueries({ queryKey: ['flows'] })
    say(t('flow.conflict.copied', { flow: name }), 'ok')
    go(`/flows/${made.id}`)
  })
  return (
    <Dialog title={t('flow.conflict')} text={`${message.charAt(0).toUpperCase()}${message.slice(1)}.`} size="large" onClose={close}>
      {stored.data ? <Differences theirs={stored.data} wanted={wanted} onWant={(id, want) => setWanted((now) => { const next = new Set(now); if (want) next.add(id); else next.delete(id); return next })} /> : stored.error ? <p className="notice" data-tone="error">{stored.error.message}</p> : <p className="soft" role="status">{t('flow.conflict.comparing')}</p>}
      <p className="soft">{t('flow.conflict.safe')}</p>
      <footer className="dialog-foot">
        <button type="button" className="button" disabled={busy} onClick={close}>{t('flow.conflict.later')}</button>
        <button type="button" className="button" disabled={busy} onClick={copy}>{t('flow.conflict.copy')}</button>
        <button type="button" className="button" disabled={busy} onClick={theirs}>{t('flow.conflict.theirs')}</button>
        <button type="button" className="button primary" disabled={busy} onClick={mine}>{t(wanted.size ? 'flow.conflict.both' : 'flow.conflict.mine')}</button>
      </footer>
    </Dialog>
  )
}

type Choice = { wanted: ReadonlySet<string>; onWant: (id: string, want: boolean) => void }

function Differences({ theirs, ...choice }: Choice & { theirs: Canvas }) {
  const nodes = useDoc((state) => state.nodes)
  const edges = useDoc((state) => state.edges)
  const { steps, wires } = useMemo(() => differences({ nodes, edges }, theirs), [nodes, edges, theirs])
  if (!steps.length && !wires.mine && !wires.theirs) return <p>{t('flow.conflict.same')}</p>
  return (
    <div className="differs" tabIndex={0} role="region" aria-label={t('flow.conflict.differs')}>
      <table>
        <thead><tr><th scope="col">{t('flow.conflict.step')}</th><th scope="col">{t('flow.conflict.yours')}</th><th scope="col">{t('flow.conflict.others')}</th></tr></thead>
        <tbody>
          {steps.slice(0, SHOWN).map((one) => <Row key={one.id} one={one} {...choice} />)}
          {wires.mine + wires.theirs > 0 && <tr><th scope="row">{t('flow.conflict.wires')}</th><td>{wires.mine > 0 && t('flow.conflict.more', { n: wires.mine })}</td><td>{wires.theirs > 0 && t('flow.conflict.more', { n: wires.theirs })}</td></tr>}
        </tbody>
      </table>
      {steps.length > SHOWN && <p className="soft">{t('flow.conflict.rest', { n: steps.length - SHOWN })}</p>}
    </div>
  )
}

function Row({ one: { id, label, kind, parts }, wanted, onWant }: Choice & { one: Difference }) {
  const theirs = wanted.has(id)
  const pick = (want: boolean) => (
    <label className="check differs-pick"><input type="radio" name={`side-${id}`} checked={theirs === want} onChange={() => onWant(id, want)} /><span className="sr">{t(want ? 'flow.conflict.pickTheirs' : 'flow.conflict.pickMine', { step: label })}</span></label>
  )
  const gone = <span className="soft">{t('flow.conflict.without')}</span>
  if (kind !== 'both') return <tr><th scope="row">{label}</th><td>{pick(false)}{kind === 'mine' ? t('flow.conflict.only') : gone}</td><td>{pick(true)}{kind === 'theirs' ? t('flow.conflict.only') : gone}</td></tr>
  const named = (what: string) => (what === 'name' ? t('flow.conflict.name') : what)
  return (
    <>
      {parts.map((part, at) => (
        <tr key={part.what}>{at === 0 && <th scope="rowgroup" rowSpan={parts.length}>{label}</th>}
          <td>{at === 0 && pick(false)}<span className="soft">{named(part.what)}</span> {part.mine || '–'}</td><td>{at === 0 && pick(true)}<span className="soft">{named(part.what)}</span> {part.theirs || '–'}</td></tr>
      ))}
    </>
  )
}
