// Workflows of an n8n server as flows: where it is, which ones, and what became of each step.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { call } from '../../api/call'
import { ApiError } from '../../api/client'
import type { FieldError } from '../../api/client'
import type { Connector, Value } from '../../api/types'
import type { Synced, SyncedFlow } from '../../api/types.gen'
import { SchemaForm } from '../../form/form'
import { Foot } from '../../kit/ask'
import { Dialog } from '../../kit/dialog'
import { SelectField, TextField } from '../../kit/fields'
import { fail } from '../../kit/toasts'
import { errorsByPath, initial, missing, sent } from '../../lib/schema'
import { t } from '../../lib/text'
import { stale } from './reads'

type Props = { connector: Connector; workspace: string; folder: string; onClose: () => void }
const split = (text: string) => text.split(/[\s,]+/).filter(Boolean)

export function FromN8n({ connector, workspace, folder, onClose }: Props) {
  const [kept, setKept] = useState('')
  const [config, setConfig] = useState<Value>(() => (initial(connector.schema) ?? {}) as Value)
  const [ids, setIds] = useState('')
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState<Synced>()
  const { data: stored = [] } = useQuery({
    queryKey: ['integrations'],
    queryFn: () => call('GET /integrations', { query: { per_page: 100 } }),
  })
  const bring = async () => {
    const empty = kept ? {} : missing(connector.schema, config)
    setErrors(empty)
    if (Object.keys(empty).length) return
    setBusy(true)
    try {
      const where = {
        workflow_ids: split(ids),
        ...(workspace ? { workspace_id: workspace } : {}),
        ...(folder ? { folder_id: folder } : {}),
      }
      const { url, api_key: key } = sent(connector.schema, config) as Value
      setDone(
        kept
          ? await call('POST /integrations/{connection_id}/sync', { path: { connection_id: kept }, body: where })
          : await call('POST /integrations/n8n/sync', {
              body: { ...where, n8n_url: String(url), api_key: String(key) },
            }),
      )
      stale()
    } catch (error) {
      if (!(error instanceof ApiError)) return fail(error)
      const said = error.details.errors as FieldError[] | undefined
      setErrors(said?.length ? errorsByPath(said) : { '': error.message })
    } finally {
      setBusy(false)
    }
  }
  if (done) return <Report done={done} onClose={onClose} />
  const servers = stored
    .filter(({ service }) => service === connector.id)
    .map(({ id, service_name: word }) => ({ value: id, word }))
  return (
    <Dialog title={t('flows.n8n')} text={t('flows.n8n.about')} onClose={onClose}>
      <form
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault()
          void bring()
        }}
      >
        {servers.length > 0 && (
          <SelectField
            label={t('flows.n8n.server')}
            value={kept}
            onChange={setKept}
            choices={[{ value: '', word: t('flows.n8n.other') }, ...servers]}
          />
        )}
        {kept ? (
          errors[''] && (
            <div className="notice" data-tone="error" role="alert">
              <p>{errors['']}</p>
            </div>
          )
        ) : (
          <SchemaForm
            schema={connector.schema}
            value={config}
            onChange={setConfig}
            errors={errors}
            readOnly={false}
            scope="n8n"
          />
        )}
        <TextField label={t('flows.n8n.ids')} value={ids} onChange={setIds} help={t('flows.n8n.ids.help')} />
        <Foot word={busy ? t('flows.n8n.busy') : t('flows.import')} busy={busy} onClose={onClose} />
      </form>
    </Dialog>
  )
}

const TONES: Record<string, string> = {
  created: 'ok',
  updated: 'ok',
  unchanged: '',
  failed: 'error',
  mapped: 'ok',
  check: 'warn',
  placeholder: 'error',
  left_out: '',
}
const Mark = ({ word }: { word: string }) => (
  <span className="badge" data-tone={TONES[word]}>
    {t(`flows.n8n.${word}`)}
  </span>
)

function Report({ done, onClose }: { done: Synced; onClose: () => void }) {
  const failed = new Map(done.errors.map((one) => [one.workflow_id, one.message]))
  return (
    <Dialog
      title={t('flows.n8n.done', { n: done.synced_count })}
      text={done.flows.length ? t('flows.n8n.next') : t('flows.n8n.nothing')}
      size="large"
      onClose={onClose}
    >
      <div className="sync-report">
        {done.flows.map((flow) => (
          <Flow key={flow.workflow_id} flow={flow} said={failed.get(flow.workflow_id) ?? ''} />
        ))}
      </div>
      <footer className="dialog-foot">
        <button type="button" className="button primary" onClick={onClose}>
          {t('work.close')}
        </button>
      </footer>
    </Dialog>
  )
}

function Flow({ flow, said }: { flow: SyncedFlow; said: string }) {
  const look = flow.steps.filter(({ became }) => became !== 'mapped')
  return (
    <section className="sync-flow">
      <header>
        {flow.flow_id ? (
          <Link href={`/flows/${flow.flow_id}`}>{flow.name}</Link>
        ) : (
          <strong>{flow.name || flow.workflow_id}</strong>
        )}
        <Mark word={flow.outcome} />
        {flow.steps.length > 0 && (
          <span className="soft">
            {t('flows.n8n.steps', { n: flow.steps.length - flow.placeholders, all: flow.steps.length })}
          </span>
        )}
      </header>
      {said && <p className="field-error">{said}</p>}
      {look.length > 0 && (
        <details open={look.length < 8}>
          <summary>{t('flows.n8n.look', { n: look.length })}</summary>
          <ul>
            {look.map((step) => (
              <li key={step.step}>
                <Mark word={step.became} />
                <div>
                  <strong>{step.step}</strong>
                  {(step.notes ?? []).map((note) => (
                    <p key={note} className="soft">
                      {note}
                    </p>
                  ))}
                </div>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  )
}
