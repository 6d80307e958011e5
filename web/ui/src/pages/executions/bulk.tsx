// What can be done with the chosen executions.
import { CircleStop, RotateCcw, X } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import type { Answer } from '../../api/call'
import type { Execution } from '../../api/types'
import { useMay } from '../../app/me'
import { ENDED } from '../../flow/run'
import { fail, say } from '../../kit/toasts'
import { t } from '../../lib/text'
import { stale } from './reads'

export function Bulk({ list, onDone }: { list: Execution[]; onDone: () => void }) {
  const mayCancel = useMay('execution:cancel')
  const mayRetry = useMay('execution:retry')
  const [busy, setBusy] = useState(false)
  const running = list.filter((one) => !ENDED.has(one.status))
  const failed = list.filter((one) => ['failed', 'timed_out', 'cancelled'].includes(one.status))
  /** Tells how many worked, and why the first of the others did not. */
  const act = async (asked: Promise<Answer<'POST /executions/bulk/retry'>>, told: (n: number) => string) => {
    setBusy(true)
    try {
      const outcomes = await asked
      const worked = outcomes.filter((one) => one.success).length
      const wrong = outcomes.find((one) => !one.success)?.error
      if (worked) say(told(worked), 'ok')
      if (wrong) say(String(wrong.message), 'error')
      onDone()
    } catch (error) {
      fail(error)
    }
    stale()
    setBusy(false)
  }
  const ids = (some: Execution[]) => some.map(({ id }) => id)
  return (
    <div className="bulk" role="toolbar" aria-label={t('executions.chosen')}>
      <strong>{t('flows.picked', { n: list.length })}</strong>
      {mayRetry && (
        <button
          type="button"
          className="button"
          disabled={busy || !failed.length}
          onClick={() =>
            void act(call('POST /executions/bulk/retry', { body: { ids: ids(failed), from: 'failed' } }), (n) =>
              t('executions.retried', { n }),
            )
          }
        >
          <RotateCcw size={14} aria-hidden="true" />
          {t('executions.retry', { n: failed.length })}
        </button>
      )}
      {mayCancel && (
        <button
          type="button"
          className="button"
          disabled={busy || !running.length}
          onClick={() =>
            void act(call('POST /executions/bulk/cancel', { body: { ids: ids(running) } }), (n) =>
              t('executions.cancelled', { n }),
            )
          }
        >
          <CircleStop size={14} aria-hidden="true" />
          {t('executions.cancel', { n: running.length })}
        </button>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={t('flows.unpick')}
        title={t('flows.unpick')}
        onClick={onDone}
      >
        <X size={16} />
      </button>
    </div>
  )
}
