// Rows that somebody writes for a step: they are pinned, and test runs take them.
import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { ApiError, get } from '../api/client'
import type { Json, Rows } from '../api/types'
import { Dialog } from '../kit/dialog'
import { t } from '../lib/text'
import { useFlowPage } from './context'
import { labelOf } from './graph'
import { nodeOf } from './lookup'
import { pinRows, usePins } from './pins'
import { useRun } from './run'
import { useDoc } from './store'
import { useUi } from './ui'

const MOST = 200
const SAMPLE = '[\n  { "id": 1 }\n]'

export function PinRows() {
  const id = useUi((state) => state.rowsOf)
  return id ? <Open key={id} id={id} /> : null
}

function Open({ id }: { id: string }) {
  const page = useFlowPage()
  const field = useId()
  const label = labelOf(nodeOf(useDoc.getState(), id))
  const [text, setText] = useState<string | null>(null)
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState(false)
  const known = usePins((pins) => Boolean(pins[id]))
  const ran = useRun((state) => Boolean(state.nodes[id]?.has_output))
  const { data, isFetching } = useQuery({
    queryKey: ['pinned', page.flowId, id],
    retry: false,
    enabled: known || ran,
    staleTime: 0,
    gcTime: 0,
    queryFn: () =>
      get<Rows>(`/flows/${page.flowId}/nodes/${encodeURIComponent(id)}/preview?limit=${MOST}`).catch(() => null),
  })
  const shown = text ?? (data?.rows.length ? written(data) : isFetching ? '' : SAMPLE)
  const close = () => useUi.setState({ rowsOf: '' })
  const pin = async () => {
    const rows = read(shown)
    if (typeof rows === 'string') return setWrong(rows)
    setBusy(true)
    try {
      await pinRows(page, id, rows)
      close()
    } catch (error) {
      setWrong(error instanceof ApiError ? error.message : String(error))
      setBusy(false)
    }
  }
  return (
    <Dialog title={t('flow.rows.title', { step: label })} text={t('flow.rows.help')} size="large" onClose={close}>
      <div className="field">
        <label htmlFor={field}>{t('flow.rows.rows')}</label>
        <textarea
          id={field}
          className="code"
          rows={14}
          spellCheck={false}
          value={shown}
          aria-invalid={Boolean(wrong) || undefined}
          aria-describedby={`${field}-wrong`}
          onChange={({ target }) => {
            setText(target.value)
            setWrong('')
          }}
        />
        <p className="field-error" id={`${field}-wrong`} role="alert">
          {wrong}
        </p>
        {data && (data.truncated || (data.total_rows ?? 0) > data.rows.length) && text === null && (
          <p className="help">{t('flow.rows.first', { n: data.rows.length })}</p>
        )}
      </div>
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={close}>
          {t('flow.cancel')}
        </button>
        <button type="button" className="button primary" disabled={busy} onClick={() => void pin()}>
          {t('flow.rows.pin')}
        </button>
      </footer>
    </Dialog>
  )
}

const written = ({ schema, rows }: Rows) =>
  `[\n${rows.map((row) => `  ${JSON.stringify(Object.fromEntries(schema.map((column, at) => [column.name, row[at] ?? null])))}`).join(',\n')}\n]`

/** Rows, or why the text is none. */
function read(text: string): Json[] | string {
  try {
    const found = JSON.parse(text) as Json
    const sound =
      Array.isArray(found)
      && found.length > 0
      && found.every((row) => row && typeof row === 'object' && !Array.isArray(row))
    return sound ? found : t('flow.rows.list')
  } catch (error) {
    return t('flow.rows.json', { reason: error instanceof Error ? error.message : '' })
  }
}
