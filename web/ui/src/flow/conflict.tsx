// Somebody else saved in between: what differs, and the choice. Nothing is overwritten unasked, nothing is lost.
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useLocation } from 'wouter'
import { get, post, put } from '../api/client'
import { client, useFlow } from '../api/queries'
import type { Canvas, Json } from '../api/types'
import { Dialog } from '../kit/dialog'
import { fail, say } from '../kit/toasts'
import { t } from '../lib/text'
import { useFlowPage } from './context'
import { fitLoops } from './nest'
import { merged, points, sideOf } from './merge'
import type { Point, Side } from './merge'
import { document as canvas, change, dropDraft, saved, sending, useDoc } from './store'
import { useUi } from './ui'

const SHOWN = 100

export function Conflict({ reload }: { reload: () => void }) {
  const found = useUi((state) => state.conflict)
  return found ? <Open reload={reload} /> : null
}

function Open({ reload }: { reload: () => void }) {
  const { flowId, types } = useFlowPage()
  const { data: flow } = useFlow(flowId)
  const [busy, setBusy] = useState(false)
  const [chosen, setChosen] = useState<ReadonlyMap<string, Side>>(new Map())
  const [, go] = useLocation()
  const stored = useQuery({
    queryKey: ['canvas', flowId, 'theirs'],
    queryFn: () => get<Canvas>(`/flows/${flowId}/data`),
    staleTime: 0,
    gcTime: 0,
  })
  const close = () => useUi.setState({ conflict: false })
  const during = (act: () => Promise<void>) => () => {
    setBusy(true)
    void act()
      .catch(fail)
      .finally(() => setBusy(false))
  }
  const theirs = () => {
    dropDraft()
    close()
    reload()
  }
  const mine = during(async () => {
    const now = await get<Canvas>(`/flows/${flowId}/data`)
    if (now.row_version !== stored.data?.row_version) {
      await stored.refetch()
      return say(t('flow.conflict.newer'))
    }
    await post(`/flows/${flowId}/versions`, {
      name: t('flow.conflict.kept'),
      change_summary: t('flow.conflict.kept.why'),
    })
    const { base, ...ours } = useDoc.getState()
    change(fitLoops(merged(base, ours, now, chosen), types))
    const both = useDoc.getState()
    sending(flowId, both)
    const done = await put<{ row_version: number }>(`/flows/${flowId}/data`, canvas(), now.row_version)
    saved(flowId, done.row_version, both)
    const made = await post<{ number: number }>(`/flows/${flowId}/versions`, {
      name: '',
      change_summary: t('flow.conflict.over'),
    })
    say(t('flow.conflict.saved', { mine: String(made.number), theirs: String(made.number - 1) }), 'ok')
    close()
  })
  const copy = during(async () => {
    const { nodes, edges } = canvas()
    const name = t('flow.conflict.copyOf', { flow: flow?.name ?? '' })
    const made = await post<{ id: string }>('/flows', {
      name,
      workspace_id: flow?.workspace_id,
      definition: { nodes, edges },
    })
    dropDraft()
    close()
    void client.invalidateQueries({ queryKey: ['flows'] })
    say(t('flow.conflict.copied', { flow: name }), 'ok')
    go(`/flows/${made.id}`)
  })
  return (
    <Dialog title={t('flow.conflict')} text={t('flow.conflict.safe')} size="large" onClose={close}>
      {stored.data ? (
        <Differences theirs={stored.data} chosen={chosen} choose={setChosen} />
      ) : stored.error ? (
        <p className="notice" data-tone="error">
          {stored.error.message}
        </p>
      ) : (
        <p className="soft" role="status">
          {t('flow.conflict.comparing')}
        </p>
      )}
      <footer className="dialog-foot">
        <button type="button" className="button" disabled={busy} onClick={close}>
          {t('flow.conflict.later')}
        </button>
        <button type="button" className="button" disabled={busy} onClick={copy}>
          {t('flow.conflict.copy')}
        </button>
        <button type="button" className="button" disabled={busy} onClick={theirs}>
          {t('flow.conflict.theirs')}
        </button>
        <button type="button" className="button primary" disabled={busy || !stored.data} onClick={mine}>
          {t('flow.conflict.both')}
        </button>
      </footer>
    </Dialog>
  )
}

type Choice = { chosen: ReadonlyMap<string, Side>; choose: (next: ReadonlyMap<string, Side>) => void }

/** What differs, point by point: as it was, as I have it, as they have it. What only one of us changed is taken unasked. */
function Differences({ theirs, chosen, choose }: Choice & { theirs: Canvas }) {
  const nodes = useDoc((state) => state.nodes)
  const edges = useDoc((state) => state.edges)
  const base = useDoc((state) => state.base)
  const found = useMemo(() => points(base, { nodes, edges }, theirs), [base, nodes, edges, theirs])
  const listed = useMemo(() => [...found].sort((a, b) => Number(b.by === 'both') - Number(a.by === 'both')), [found])
  if (!found.length) return <p>{t('flow.conflict.same')}</p>
  const both = found.filter((one) => one.by === 'both').length
  const all = (side: Side) => choose(new Map(found.map((one) => [one.key, side])))
  const head = (side: Side, title: string, words: string) => (
    <th scope="col">
      <span className="differs-head">
        {title}
        <button type="button" className="link" onClick={() => all(side)}>
          {words}
        </button>
      </span>
    </th>
  )
  return (
    <>
      <p className="differs-sum" data-tone={both ? 'warn' : 'ok'}>
        {t(both ? 'flow.conflict.clash' : 'flow.conflict.clear', { n: both || found.length })}
      </p>
      <div className="differs" tabIndex={0} role="region" aria-label={t('flow.conflict.differs')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('flow.conflict.step')}</th>
              <th scope="col">{t('flow.conflict.before')}</th>
              {head('mine', t('flow.conflict.yours'), t('flow.conflict.allMine'))}
              {head('theirs', t('flow.conflict.others'), t('flow.conflict.allTheirs'))}
            </tr>
          </thead>
          <tbody>
            {listed.slice(0, SHOWN).map((one) => (
              <Row
                key={one.key}
                one={one}
                side={sideOf(one, chosen)}
                pick={(side) => choose(new Map(chosen).set(one.key, side))}
              />
            ))}
          </tbody>
        </table>
        {found.length > SHOWN && <p className="soft">{t('flow.conflict.rest', { n: found.length - SHOWN })}</p>}
      </div>
    </>
  )
}

const partOf = (path: string) =>
  path === 'label'
    ? t('flow.conflict.name')
    : path === 'parent'
      ? t('flow.conflict.parent')
      : path.replace(/^config\./, '')
const said = (value: Json | undefined) =>
  value === undefined || value === null || value === ''
    ? '–'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)

function Row({ one, side, pick }: { one: Point; side: Side; pick: (side: Side) => void }) {
  const whole = !one.path
  const what = whole ? one.label : `${one.label}, ${partOf(one.path)}`
  const shown = (value: Json | undefined) =>
    !whole ? said(value) : value ? t('flow.conflict.there') : <span className="soft">{t('flow.conflict.without')}</span>
  const cell = (of: Side) => (
    <td data-chosen={side === of || undefined}>
      <label className="differs-pick">
        <input
          type="radio"
          name={`side-${one.key}`}
          checked={side === of}
          onChange={() => pick(of)}
          aria-label={
            of === 'mine' ? t('flow.conflict.pickMine', { step: what }) : t('flow.conflict.pickTheirs', { step: what })
          }
        />
        <span>{shown(one[of])}</span>
      </label>
    </td>
  )
  return (
    <tr data-by={one.by}>
      <th scope="row">
        {one.label}
        {!whole && <span className="soft">{partOf(one.path)}</span>}
        {one.by === 'both' && (
          <span className="badge" data-tone="warn">
            {t('flow.conflict.bothChanged')}
          </span>
        )}
      </th>
      <td className="soft" data-column={t('flow.conflict.before')}>
        {shown(one.base)}
      </td>
      {cell('mine')}
      {cell('theirs')}
    </tr>
  )
}
