// What one can do with an execution: stop it, execute it again in part or whole, take its data to the editor.
import { Menu } from '@base-ui/react/menu'
import { Bug, ChevronDown, GitCompareArrows, Pencil, RotateCcw, Square } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation, useSearchParams } from 'wouter'
import { call } from '../../api/call'
import type { Execution, Value } from '../../api/types'
import { useMay } from '../../app/me'
import { ENDED, cancel, refresh, useRun } from '../../flow/run'
import { fail, say } from '../../kit/toasts'
import { t } from '../../lib/text'
import { useNames } from '../execution'
import { Replay } from './replay'
import { WithData } from './with_data'

export type Again = {
  from: 'start' | 'failed' | 'node'
  node_ids?: string[]
  version?: 'same' | 'latest' | number
  input?: Value
}

export function Acts({ execution }: { execution: Execution }) {
  const { id, flow_id, status, parent_segment_no, mode } = execution
  const live = useRun((state) => state.live)
  const nodes = useRun((state) => state.nodes)
  const mayStop = useMay('execution:cancel')
  const mayRetry = useMay('execution:retry')
  const mayUpdate = useMay('flow:update')
  const [search, setSearch] = useSearchParams()
  const [, go] = useLocation()
  const [open, setOpen] = useState<'replay' | 'data' | ''>('')
  const names = useNames(id, flow_id)
  const stopping = status === 'cancelling'
  const step = search.get('step') ?? ''
  const again = (how: Again) =>
    call('POST /executions/{execution_id}/retry', { path: { execution_id: id }, body: how }).then((made) => {
      say(t('execution.startedAgain'), 'ok')
      go(`/executions/${String(made.id)}`)
    })
  const retry = (how: Again) => void again(how).catch(fail)
  const whole = ENDED.has(status) && !parent_segment_no && !['body', 'handler', 'compensation'].includes(mode)
  const first: Again['from'] = status === 'completed' ? 'start' : 'failed'
  return (
    <>
      {live && mayStop && !ENDED.has(status) && (
        <button
          type="button"
          className="button"
          disabled={stopping}
          onClick={() => void cancel(id).then(refresh).catch(fail)}
        >
          <Square size={14} aria-hidden="true" />
          {t(stopping ? 'execution.stopping' : 'execution.stop')}
        </button>
      )}
      {mayRetry && whole && (
        <span className="joined plain">
          <button
            type="button"
            className="button"
            title={t(`execution.why.${first}`)}
            onClick={() => retry({ from: first })}
          >
            <RotateCcw size={14} aria-hidden="true" />
            {t(`execution.from.${first}`)}
          </button>
          <Menu.Root>
            <Menu.Trigger className="button" aria-label={t('execution.otherways')}>
              <ChevronDown size={15} aria-hidden="true" />
            </Menu.Trigger>
            <Menu.Portal>
              <Menu.Positioner sideOffset={4} align="end">
                <Menu.Popup className="menu">
                  {first === 'failed' && (
                    <Menu.Item onClick={() => retry({ from: 'start' })}>{t('execution.from.start')}</Menu.Item>
                  )}
                  <Menu.Item disabled={!step || !nodes[step]} onClick={() => retry({ from: 'node', node_ids: [step] })}>
                    {step ? t('execution.from.step', { name: names(step) }) : t('execution.from.chosen')}
                  </Menu.Item>
                  <Menu.Item onClick={() => setOpen('replay')}>{t('execution.replay')}</Menu.Item>
                </Menu.Popup>
              </Menu.Positioner>
            </Menu.Portal>
          </Menu.Root>
        </span>
      )}
      <button
        type="button"
        className="button"
        onClick={() =>
          setSearch(
            (now) => {
              now.set('tab', 'compare')
              return now
            },
            { replace: true },
          )
        }
      >
        <GitCompareArrows size={15} aria-hidden="true" />
        {t('execution.compare')}
      </button>
      {mayUpdate && ENDED.has(status) && (
        <button type="button" className="button" onClick={() => setOpen('data')}>
          <Bug size={15} aria-hidden="true" />
          {t('execution.withData')}
        </button>
      )}
      <Link href={`/flows/${flow_id}`} className="button">
        <Pencil size={14} aria-hidden="true" />
        {t('execution.openFlow')}
      </Link>
      {open === 'replay' && <Replay execution={execution} again={again} onClose={() => setOpen('')} />}
      {open === 'data' && <WithData execution={execution} names={names} onClose={() => setOpen('')} />}
    </>
  )
}
