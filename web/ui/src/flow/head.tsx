// The bar above the canvas: name, state, faces, save, run.
import { Menu } from '@base-ui/react/menu'
import { Switch } from '@base-ui/react/switch'
import { ChevronDown, ChevronLeft, FileCode, History, List, Play, Save, Square, Workflow } from 'lucide-react'
import { Link } from 'wouter'
import { patch } from '../api/client'
import { client, useFlow } from '../api/queries'
import { fail, say } from '../kit/toasts'
import { t } from '../lib/text'
import { useFlowPage } from './context'
import { cancel, useRun } from './run'
import { useDoc } from './store'
import { useUi } from './ui'

export function EditorHead({ name }: { name: string }) {
  const { flowId, readOnly, save, run } = useFlowPage()
  const dirty = useDoc((state) => state.dirty)
  const steps = useDoc((state) => state.nodes.length)
  const selected = useDoc((state) => state.nodes.filter((node) => node.selected).map((node) => node.id).join(' '))
  const live = useRun((state) => state.live)
  const execution = useRun((state) => state.execution)
  const { face } = useUi()
  const one = selected && !selected.includes(' ') ? selected : ''
  return (
    <header className="editor-head">
      <Link href="/flows" className="icon-button only-small" aria-label="All flows"><ChevronLeft size={18} /></Link>
      <h1 title={name}>{name}</h1>
      <span className="badge saved" data-tone={dirty ? 'warn' : 'idle'} aria-live="polite">{dirty ? 'Unsaved' : 'Saved'}</span>
      <span className="grow" />
      <span className="soft only-large">{steps} {steps === 1 ? 'step' : 'steps'}</span>
      <Link href={`/flows/${flowId}/versions`} className="icon-button only-large" aria-label={t('versions.title')} title={t('versions.title')}><History size={17} /></Link>
      <Link href={`/flows/${flowId}/text`} className="icon-button only-large" aria-label={t('flowtext.title')} title={t('flowtext.title')}><FileCode size={17} /></Link>
      <Active readOnly={readOnly} />
      <div className="segmented faces" role="radiogroup" aria-label="View">
        <label><input type="radio" name="face" checked={face === 'canvas'} onChange={() => useUi.setState({ face: 'canvas' })} /><span><Workflow size={15} aria-hidden="true" /><span className="face-word">Canvas</span></span></label>
        <label><input type="radio" name="face" checked={face === 'outline'} onChange={() => useUi.setState({ face: 'outline' })} /><span><List size={15} aria-hidden="true" /><span className="face-word">Outline</span></span></label>
      </div>
      {!readOnly && <button type="button" className="button" disabled={!dirty} onClick={() => void save()} title="Save (Ctrl S)"><Save size={15} aria-hidden="true" /><span className="head-word">Save</span></button>}
      {live && execution
        ? <button type="button" className="button" onClick={() => void cancel(execution.id).catch(fail)}><Square size={14} aria-hidden="true" />Stop</button>
        : (
          <span className="joined">
            <button type="button" className="button primary" onClick={() => run()} title="Run (Ctrl Enter)"><Play size={15} aria-hidden="true" />Run</button>
            <Menu.Root>
              <Menu.Trigger className="button primary" aria-label="Run a part"><ChevronDown size={15} aria-hidden="true" /></Menu.Trigger>
              <Menu.Portal><Menu.Positioner sideOffset={4} align="end"><Menu.Popup className="menu">
                <Menu.Item disabled={!one} onClick={() => run({ node: one, mode: 'to_here' })}>Run to the selected step</Menu.Item>
                <Menu.Item disabled={!one} onClick={() => run({ node: one, mode: 'from_here' })}>Run from the selected step</Menu.Item>
              </Menu.Popup></Menu.Positioner></Menu.Portal>
            </Menu.Root>
          </span>
        )}
    </header>
  )
}

/** Triggers start a flow while it is active; whoever runs it by hand need not care. */
function Active({ readOnly }: { readOnly: boolean }) {
  const { flowId, types } = useFlowPage()
  const { data: flow } = useFlow(flowId)
  const triggers = useDoc((state) => state.nodes.some((node) => 'nodeType' in node.data && types.get(node.data.nodeType)?.kind === 'trigger'))
  if (!flow) return null
  const active = flow.status === 'active'
  const turn = (on: boolean) => void patch(`/flows/${flowId}`, { status: on ? 'active' : 'inactive' }, flow.row_version)
    .then(() => say(!on ? 'Nothing starts it by itself any more; what runs goes on.' : triggers ? 'Its triggers start it from now on.' : 'It is active; add a trigger step, and it starts by itself.', 'ok'))
    .catch(fail)
    .finally(() => { for (const key of ['flow', 'flows', 'triggers']) void client.invalidateQueries({ queryKey: [key] }) })
  return (
    <label className="active-switch" title="While it is active, its triggers start it">
      <Switch.Root className="switch" checked={active} disabled={readOnly || flow.status === 'archived'} onCheckedChange={turn}><Switch.Thumb className="switch-thumb" /></Switch.Root>
      <span className="head-word">Active</span>
    </label>
  )
}
