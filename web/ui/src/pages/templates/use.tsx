// Makes a flow from a template: its name, its place, and our connections in place of those it names.
import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { call } from '../../api/call'
import { ApiError } from '../../api/client'
import { client, useConnections } from '../../api/queries'
import { Dialog } from '../../kit/dialog'
import { Diagram } from '../../kit/diagram'
import { fail, say } from '../../kit/toasts'
import { t } from '../../lib/text'
import type { Template } from '../templates'

export function UseTemplate({ template, onClose }: { template: Template; onClose: () => void }) {
  const [, go] = useLocation()
  const [name, setName] = useState(template.name)
  const [workspace, setWorkspace] = useState('')
  const [picked, setPicked] = useState<Record<string, string>>({})
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const mine = useConnections().data ?? []
  const workspaces =
    useQuery({ queryKey: ['workspaces'], queryFn: () => call('GET /workspaces', { query: { per_page: 100 } }) }).data
    ?? []
  const fitting = (connector: string) => mine.filter((one) => one.connector === connector)
  /** The one that was picked, the one of the same name, or the only one that fits. */
  const usedFor = ({ name: need, connector }: Template['needs'][number]) => {
    const list = fitting(connector)
    return (
      picked[need]
      ?? list.find((one) => one.name === need)?.name
      ?? (list.length === 1 ? list[0]?.name : undefined)
      ?? ''
    )
  }
  const make = async () => {
    setBusy(true)
    try {
      const connections = Object.fromEntries(
        template.needs.map((need) => [need.name, usedFor(need)]).filter(([, one]) => one),
      )
      const flow = await call('POST /templates/{template_id}/flows', {
        path: { template_id: template.id },
        body: { name, connections, ...(workspace ? { workspace_id: workspace } : {}) },
      })
      void client.invalidateQueries({ queryKey: ['flows'] })
      say(t('templates.made', { name: flow.name }), 'ok')
      go(`/flows/${flow.id}`)
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) setWrong(error.fields.name ?? error.message)
      else fail(error)
      setBusy(false)
    }
  }
  return (
    <Dialog title={template.title} text={template.summary} onClose={onClose} focus={input}>
      <form
        className="use-template"
        onSubmit={(event) => {
          event.preventDefault()
          void make()
        }}
      >
        <Diagram steps={template.steps} edges={template.edges as [string, string][]} />
        <div className="field">
          <label htmlFor="template-name">{t('flows.name')}</label>
          <input
            id="template-name"
            ref={input}
            value={name}
            maxLength={255}
            aria-invalid={Boolean(wrong) || undefined}
            aria-describedby="template-wrong"
            onChange={({ target }) => {
              setName(target.value)
              setWrong('')
            }}
          />
          <div id="template-wrong">
            {wrong && (
              <p className="field-error" role="alert">
                {wrong}
              </p>
            )}
          </div>
        </div>
        {workspaces.length > 1 && (
          <div className="field">
            <label htmlFor="template-place">{t('flows.workspace')}</label>
            <select id="template-place" value={workspace} onChange={({ target }) => setWorkspace(target.value)}>
              <option value="">{workspaces[0]?.name}</option>
              {workspaces.slice(1).map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
          </div>
        )}
        {template.needs.map((need) => (
          <div key={need.name} className="field">
            <label htmlFor={`need-${need.name}`}>
              {need.name} <span className="soft">({need.title})</span>
            </label>
            <select
              id={`need-${need.name}`}
              value={usedFor(need)}
              onChange={({ target }) => setPicked({ ...picked, [need.name]: target.value })}
            >
              <option value="">{t('templates.later')}</option>
              {fitting(need.connector).map((one) => (
                <option key={one.id}>{one.name}</option>
              ))}
            </select>
            {fitting(need.connector).length === 0 && (
              <p className="help">
                {t('templates.noConnection', { connector: need.title })}{' '}
                <Link href="/connections">{t('places.connections')}</Link>
              </p>
            )}
          </div>
        ))}
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {t('work.cancel')}
          </button>
          <button className="button primary" disabled={busy || !name.trim()}>
            {t('templates.use')}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
