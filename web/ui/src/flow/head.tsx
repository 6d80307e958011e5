// The bar above the canvas: name, state, faces, save, run.
import { Menu } from '@base-ui/react/menu'
import { Switch } from '@base-ui/react/switch'
import {
  CalendarClock,
  ChevronDown,
  ChevronLeft,
  FileCode,
  History,
  List,
  Play,
  Save,
  Square,
  Workflow,
} from 'lucide-react'
import { Link } from 'wouter'
import { patch } from '../api/client'
import { client, useFlow } from '../api/queries'
import { fail, say } from '../kit/toasts'
import { t } from '../lib/text'
import { capsOf, command, perform, wordOf } from './commands'
import { useFlowPage } from './context'
import { isStep } from './graph'
import { cancel, useRun } from './run'
import { useDoc } from './store'
import { useUi } from './ui'
import { later } from './views'

const Presence = later(() => import('./presence').then((all) => all.Presence), true)

const PARTS = ['runStep', 'runTo', 'runFrom'] as const

export function EditorHead({ name }: { name: string }) {
  const page = useFlowPage()
  const { readOnly, save, run } = page
  const dirty = useDoc((state) => state.dirty)
  const active = useFlow(page.flowId).data?.status === 'active'
  const steps = useDoc((state) => state.nodes.filter(isStep).length)
  const selected = useDoc((state) =>
    state.nodes
      .filter((node) => node.selected)
      .map((node) => node.id)
      .join(' '),
  )
  const live = useRun((state) => state.live)
  const execution = useRun((state) => state.execution)
  const { face } = useUi()
  const one = selected && !selected.includes(' ') ? selected : ''
  return (
    <header className="editor-head">
      <Link href="/flows" className="icon-button only-small" aria-label={t('app.allFlows')}>
        <ChevronLeft size={18} />
      </Link>
      <h1 title={name}>{name}</h1>
      <span
        className="badge saved"
        data-tone={dirty ? 'warn' : 'idle'}
        aria-live="polite"
        title={dirty && active ? t('flow.unsaved.active') : undefined}
      >
        {t(dirty ? 'flow.unsaved' : 'flow.saved')}
      </span>
      <span className="grow" />
      <Presence />
      <span className="soft only-large">{t('flow.head.steps', { n: steps })}</span>
      {!readOnly && (
        <Link
          href={`/triggers/new?mode=time&flow=${page.flowId}`}
          className="icon-button only-large"
          aria-label={t('flow.schedule')}
          title={t('flow.schedule')}
        >
          <CalendarClock size={17} />
        </Link>
      )}
      <Link
        href={`/flows/${page.flowId}/versions`}
        className="icon-button only-large"
        aria-label={t('versions.title')}
        title={t('versions.title')}
      >
        <History size={17} />
      </Link>
      <Link
        href={`/flows/${page.flowId}/text`}
        className="icon-button only-large"
        aria-label={t('flowtext.title')}
        title={t('flowtext.title')}
      >
        <FileCode size={17} />
      </Link>
      <Active readOnly={readOnly} />
      <div className="segmented faces" role="radiogroup" aria-label={t('flow.view')}>
        <label>
          <input
            type="radio"
            name="face"
            checked={face === 'canvas'}
            onChange={() => useUi.setState({ face: 'canvas' })}
          />
          <span>
            <Workflow size={15} aria-hidden="true" />
            <span className="face-word">{t('flow.view.canvas')}</span>
          </span>
        </label>
        <label>
          <input
            type="radio"
            name="face"
            checked={face === 'outline'}
            onChange={() => useUi.setState({ face: 'outline' })}
          />
          <span>
            <List size={15} aria-hidden="true" />
            <span className="face-word">{t('flow.view.outline')}</span>
          </span>
        </label>
      </div>
      {!readOnly && (
        <button
          type="button"
          className="button save"
          disabled={!dirty}
          onClick={() => void save()}
          title={`${t('flow.command.save')} (${capsOf('Ctrl S').join(' ')})`}
        >
          <Save size={15} aria-hidden="true" />
          <span className="head-word">{t('flow.command.save')}</span>
        </button>
      )}
      {live && execution ? (
        <button type="button" className="button" onClick={() => void cancel(execution.id).catch(fail)}>
          <Square size={14} aria-hidden="true" />
          {t('flow.stop')}
        </button>
      ) : (
        <span className="joined">
          <button
            type="button"
            className="button primary"
            onClick={() => run()}
            title={`${t('flow.command.run')} (${capsOf('Ctrl Enter').join(' ')})`}
          >
            <Play size={15} aria-hidden="true" />
            {t('flow.command.run')}
          </button>
          <Menu.Root>
            <Menu.Trigger className="button primary" aria-label={t('flow.runPart')}>
              <ChevronDown size={15} aria-hidden="true" />
            </Menu.Trigger>
            <Menu.Portal>
              <Menu.Positioner sideOffset={4} align="end">
                <Menu.Popup className="menu">
                  {PARTS.map((part) => (
                    <Menu.Item key={part} disabled={!one} onClick={() => perform(command(part), page)}>
                      <span>{wordOf(command(part))}</span>
                      <kbd>{capsOf(command(part).keys[0]).join(' ')}</kbd>
                    </Menu.Item>
                  ))}
                </Menu.Popup>
              </Menu.Positioner>
            </Menu.Portal>
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
  const triggers = useDoc((state) =>
    state.nodes.some((node) => 'nodeType' in node.data && types.get(node.data.nodeType)?.kind === 'trigger'),
  )
  if (!flow) return null
  const active = flow.status === 'active'
  const turn = (on: boolean) =>
    void patch(`/flows/${flowId}`, { status: on ? 'active' : 'inactive' }, flow.row_version)
      .then(() => say(!on ? t('flow.active.off') : triggers ? t('flow.active.on') : t('flow.active.alone'), 'ok'))
      .catch(fail)
      .finally(() => {
        for (const key of ['flow', 'flows', 'triggers']) void client.invalidateQueries({ queryKey: [key] })
      })
  return (
    <label className="active-switch" title={t('flow.active.help')}>
      <Switch.Root
        className="switch"
        checked={active}
        disabled={readOnly || flow.status === 'archived'}
        onCheckedChange={turn}
      >
        <Switch.Thumb className="switch-thumb" />
      </Switch.Root>
      <span className="head-word">{t('flow.active')}</span>
    </label>
  )
}
