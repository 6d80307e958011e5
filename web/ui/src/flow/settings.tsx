// Settings of the selected step: its form, what happens on an error, help.
import { Tabs } from '@base-ui/react/tabs'
import { Play, X } from 'lucide-react'
import { useCallback, useMemo } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { client, rowsPage } from '../api/queries'
import { post } from '../api/client'
import type { Rows, StepData, Value } from '../api/types'
import { SchemaForm } from '../form/form'
import type { Option } from '../form/context'
import { NumberInput } from '../form/inputs'
import { Tile } from '../kit/tile'
import { errorsByPath } from '../lib/schema'
import { useFlowPage } from './context'
import { Starts } from './starts'
import { setData, useDoc } from './store'
import type { StepNode } from './store'
import { useRun } from './run'
import { useUi } from './ui'

export function Settings() {
  const selected = useDoc(useShallow((state) => state.nodes.filter((node) => node.selected)))
  const open = useUi((state) => state.settings)
  const step = selected.length === 1 ? selected[0] : undefined
  if (!step || !('nodeType' in step.data)) {
    return <aside className="settings settings-none" aria-label="Settings"><p className="soft">{selected.length > 1 ? `${selected.length} steps are selected.` : 'Select a step to edit it.'}</p></aside>
  }
  return <StepSettings key={step.id} step={step} open={open} />
}

function StepSettings({ step, open }: { step: StepNode; open: boolean }) {
  const { types, problems, readOnly, run } = useFlowPage()
  const type = types.get(step.data.nodeType)
  const failure = useRun((state) => state.nodes[step.id]?.error)
  const errors = useMemo(() => errorsByPath(problems.filter((one) => one.node_id === step.id && /^config\b/.test(one.path)).map(({ path, message }) => ({ path, message: message.replace(/^'[^']*'(, [^:]+)?: /, '') }))), [problems, step.id])
  const others = problems.filter((one) => one.node_id === step.id && !/^config\b/.test(one.path))
  const options = useCallback(async (field: string, config: Value) => (await post<{ options: Option[] }>(`/node-types/${step.data.nodeType}/options`, { field, config })).options, [step.data.nodeType])
  const columns = useCallback((port: string) => upstream(step.id, port), [step.id])
  const set = (data: Partial<StepData>, key: string) => setData(step.id, data, key)
  return (
    <aside className="settings" aria-label={`Settings of ${step.data.label}`} data-open={open || undefined}>
      <header className="settings-head">
        <Tile icon={type?.icon ?? ''} kind={type?.kind ?? 'logic'} title={type?.title ?? '?'} />
        <div className="settings-title">
          <input className="rename" data-first aria-label="Name of the step" value={step.data.label ?? ''} readOnly={readOnly} onChange={({ target }) => set({ label: target.value }, 'label')} />
          <p className="soft">{step.data.nodeType} · {type?.plugin.distribution ?? 'not installed'}</p>
        </div>
        {!readOnly && <button type="button" className="button" title="Run to this step (Shift Enter)" onClick={() => run({ node: step.id, mode: 'to_here' })}><Play size={14} aria-hidden="true" />Run to here</button>}
        <button type="button" className="icon-button only-small" aria-label="Close settings" onClick={() => useUi.setState({ settings: false, dockOpen: true })}><X size={17} /></button>
      </header>
      <Tabs.Root defaultValue="settings" className="settings-tabs">
        <Tabs.List className="tabs">
          <Tabs.Tab value="settings">Settings</Tabs.Tab><Tabs.Tab value="error">On error</Tabs.Tab><Tabs.Tab value="help">Help</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="settings" className="tab-panel">
          {failure && <div className="notice" data-tone="error" role="alert"><p>{failure.message}</p>{failure.hint && <p>{failure.hint}</p>}</div>}
          {others.map((one) => <div key={one.path + one.code} className="notice" data-tone={one.severity === 'error' ? 'error' : 'warn'}><p>{one.message}</p><p className="soft">{one.fix}</p></div>)}
          {type ? (
            <form onSubmit={(event) => event.preventDefault()} autoComplete="off">
              <fieldset className="bare" disabled={readOnly}>
                <SchemaForm schema={type.schema} value={step.data.config ?? {}} onChange={(config) => set({ config }, 'config')} errors={errors} readOnly={readOnly} options={options} columns={columns} scope={step.id} />
              </fieldset>
              {type.kind === 'trigger' && <Starts node={step.id} config={step.data.config ?? {}} />}
            </form>
          ) : <p className="soft">The plugin of “{step.data.nodeType}” is not installed. The step is kept as it is; install the plugin, or replace the step.</p>}
        </Tabs.Panel>
        <Tabs.Panel value="error" className="tab-panel"><OnError step={step} set={set} /></Tabs.Panel>
        <Tabs.Panel value="help" className="tab-panel help-text">
          <p>{type?.summary}</p>{type?.docs.split('\n\n').map((part) => <p key={part}>{part}</p>)}
          {type && <p className="soft">Version {type.version} of {type.id}, from {type.plugin.distribution} {type.plugin.version}.</p>}
        </Tabs.Panel>
      </Tabs.Root>
    </aside>
  )
}

function OnError({ step, set }: { step: StepNode; set: (data: Partial<StepData>, key: string) => void }) {
  const retry = step.data.retry ?? {}
  const number = (id: string, label: string, help: string, value: number | undefined, integer: boolean, onChange: (value: number | undefined) => void) => (
    <div className="field"><label htmlFor={id}>{label}</label>
      <NumberInput id={id} label={label} path={id} schema={{ type: integer ? 'integer' : 'number', 'x-ui': { unit: integer ? 'times' : 's' } }} nullable={false} value={value} described={`${id}-help`} invalid={false} required={false} onChange={(next) => { if (next === undefined || typeof next === 'number') onChange(next) }} />
      <p className="help" id={`${id}-help`}>{help}</p></div>
  )
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <div className="field"><label htmlFor="on-error">When this step fails</label>
        <select id="on-error" value={step.data.onError ?? 'fail'} onChange={({ target }) => set({ onError: target.value }, 'onError')}>
          <option value="fail">Fail the execution</option><option value="continue">Go on without its rows</option><option value="route">Send the failure to the error output</option>
        </select></div>
      {number('retry-max', 'Try again', 'Empty does not try again.', retry.max, true, (max) => set({ retry: { ...retry, max: max ?? 0 } }, 'retry'))}
      {number('retry-delay', 'Wait before the first try', 'Doubles with each try.', retry.delay_s, false, (delay) => set({ retry: { ...retry, delay_s: delay ?? 60 } }, 'retry'))}
      {number('timeout', 'Give up after', 'Empty waits for ever.', step.data.timeout, false, (timeout) => set({ timeout: timeout ?? 0 }, 'timeout'))}
    </form>
  )
}

/** Columns that reach an input, from the rows the page has seen of the steps before; asked for once where unseen. */
function upstream(id: string, port: string): string[] {
  const { edges } = useDoc.getState()
  const { execution, nodes } = useRun.getState()
  if (!execution) return []
  const before = edges.filter((edge) => edge.target === id && (!port || (edge.targetHandle ?? 'in') === port))
  const names = before.flatMap(({ source, sourceHandle }) => {
    if (!nodes[source]?.has_output) return []
    const page = rowsPage(`/executions/${execution.id}/nodes/${encodeURIComponent(source)}/preview`, 0, sourceHandle ?? 'out')
    const known = client.getQueryData<Rows>(page.queryKey)
    if (!known) void client.prefetchQuery(page)
    return known?.schema.map((column) => column.name) ?? []
  })
  return [...new Set(names)]
}
