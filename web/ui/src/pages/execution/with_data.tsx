// Take stored rows of an execution to the editor: they are pinned to their steps, so that tests need no source.
import { useState } from 'react'
import { useLocation } from 'wouter'
import { call } from '../../api/call'
import { client, useDefinition, useNodeTypes } from '../../api/queries'
import type { Execution } from '../../api/types'
import { useRun } from '../../flow/run'
import { Dialog } from '../../kit/dialog'
import { Waiting } from '../../kit/parts'
import { say } from '../../kit/toasts'
import { t } from '../../lib/text'

export function WithData({
  execution: { id, flow_id, error },
  names,
  onClose,
}: {
  execution: Execution
  names: (id: string) => string
  onClose: () => void
}) {
  const definition = useDefinition(id, flow_id)
  const types = useNodeTypes()
  const nodes = useRun((state) => state.nodes)
  const [, go] = useLocation()
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState(false)
  const canvas = definition.data
  const offered = (canvas?.nodes ?? []).filter(
    (node) =>
      !node.parentId
      && nodes[node.id]?.has_output
      && types.data?.find((type) => type.id === node.data.nodeType)?.outputs.some((port) => port.kind !== 'control'),
  )
  const failed = error?.node_id ?? Object.values(nodes).find((node) => node.status === 'failed')?.node_id ?? ''
  const fed = new Set(
    canvas?.edges
      .filter((edge) => (failed ? edge.target === failed : true))
      .map((edge) => (failed ? edge.source : edge.target)),
  )
  const likely = offered.filter((node) => (failed ? fed.has(node.id) : !fed.has(node.id))).map((node) => node.id)
  const [picked, setPicked] = useState<Set<string> | null>(null)
  const chosen = picked ?? new Set(likely)
  const toggle = (step: string) => {
    const next = new Set(chosen)
    if (!next.delete(step)) next.add(step)
    setPicked(next)
  }
  const open = async () => {
    setBusy(true)
    try {
      for (const node of offered) {
        if (chosen.has(node.id))
          await call('PUT /flows/{flow_id}/nodes/{node_id}/pin', {
            path: { flow_id, node_id: node.id },
            body: { execution_id: id },
          })
      }
      void client.invalidateQueries({ queryKey: ['canvas', flow_id] })
      say(t('execution.pinned', { n: chosen.size }), 'ok')
      go(`/flows/${flow_id}${failed ? `?step=${encodeURIComponent(failed)}` : ''}`)
    } catch (problem) {
      setWrong(problem instanceof Error ? problem.message : String(problem))
      setBusy(false)
    }
  }
  return (
    <Dialog title={t('execution.withData')} text={t('execution.withDataText')} onClose={onClose}>
      {!canvas || !types.data ? (
        <Waiting what={t('execution.stepsWord')} />
      ) : !offered.length ? (
        <p className="notice">{t('execution.noStored')}</p>
      ) : (
        <ul className="data-steps" aria-label={t('execution.stepsToPin')}>
          {offered.map((node) => (
            <li key={node.id}>
              <label>
                <input type="checkbox" checked={chosen.has(node.id)} onChange={() => toggle(node.id)} />{' '}
                <span>{names(node.id)}</span>{' '}
                <span className="soft">{t('results.rows', { n: nodes[node.id]?.rows_out ?? 0 })}</span>
              </label>
            </li>
          ))}
        </ul>
      )}
      {wrong && (
        <p className="field-error" role="alert">
          {wrong}
        </p>
      )}
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {t('execution.cancel')}
        </button>
        <button type="button" className="button primary" disabled={busy || !chosen.size} onClick={() => void open()}>
          {chosen.size ? t('execution.openWith', { n: chosen.size }) : t('execution.withData')}
        </button>
      </footer>
    </Dialog>
  )
}
