// Settings of the selected step: its form, what happens on an error, help.
import { Tabs } from '@base-ui/react/tabs'
import { useIsFetching } from '@tanstack/react-query'
import { MoreVertical, Pin, Play, X } from 'lucide-react'
import { useCallback, useEffect, useMemo } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { client, rowsPage, useFlow } from '../api/queries'
import { post } from '../api/client'
import type { Rows, StepData, Value } from '../api/types'
import { SchemaForm } from '../form/form'
import type { Language, Option, Tried } from '../form/context'
import { NumberInput } from '../form/inputs'
import { Tile } from '../kit/tile'
import { moment, rows } from '../lib/format'
import { errorsByPath } from '../lib/schema'
import { t } from '../lib/text'
import { capsOf, command, perform } from './commands'
import { useFlowPage } from './context'
import { labelOf, upstream as before } from './graph'
import { problemsOf } from './lookup'
import { usePins } from './pins'
import { setData, useDoc } from './store'
import type { StepNode } from './store'
import { useRun } from './run'
import { useUi } from './ui'
import { later } from './views'

const LayoutSettings = later(() => import('./layoutform').then((all) => all.LayoutSettings), true)
const Starts = later(() => import('./starts').then((all) => all.Starts), true)

export function Settings() {
  useEffect(() => {
    void import('../form/expression')
  }, []) // most steps have one
  const selected = useDoc(useShallow((state) => state.nodes.filter((node) => node.selected)))
  const open = useUi((state) => state.settings)
  const step = selected.length === 1 ? selected[0] : undefined
  if (step && !step.data.nodeType) return <LayoutSettings key={step.id} node={step} open={open} />
  if (!step) {
    return (
      <aside className="settings settings-none" aria-label={t('flow.settings')}>
        <p className="soft">
          {selected.length > 1 ? t('flow.selected', { n: selected.length }) : t('flow.settings.none')}
        </p>
      </aside>
    )
  }
  return <StepSettings key={step.id} step={step} open={open} />
}

function StepSettings({ step, open }: { step: StepNode; open: boolean }) {
  const page = useFlowPage()
  const { types, problems, readOnly, run } = page
  const pins = usePins()
  const pin = pins[step.id]
  const type = types.get(step.data.nodeType)
  const failure = useRun((state) => state.nodes[step.id]?.error)
  const errors = useMemo(
    () =>
      errorsByPath(
        problemsOf(problems, step.id)
          .filter((one) => /^config\b/.test(one.path))
          .map(({ path, message }) => ({ path, message: message.replace(/^'[^']*'(, [^:]+)?: /, '') })),
      ),
    [problems, step.id],
  )
  const others = problemsOf(problems, step.id).filter((one) => !/^config\b/.test(one.path))
  const options = useCallback(
    async (field: string, config: Value) =>
      (await post<{ options: Option[] }>(`/node-types/${step.data.nodeType}/options`, { field, config })).options,
    [step.data.nodeType],
  )
  const reading = useIsFetching({ queryKey: ['rows'] })
  const columns = useCallback(
    (port: string) => upstream(page.flowId, step.id, port),
    [page.flowId, step.id, reading, pins],
  )
  const edges = useDoc((state) => state.edges)
  const variables = useFlow(page.flowId).data?.variables
  const names = useMemo(
    () => [
      ...Object.keys(variables ?? {}).map((name) => `params.${name}`),
      ...ofEvent(page.flowId, types),
      ...ofSteps(page.flowId, step.id, types),
      'execution.id',
    ],
    [variables, page.flowId, step.id, types, edges, reading, pins],
  )
  const rowsOf = useRun((state) => `${state.execution?.id ?? ''} ${state.execution?.status ?? ''}`)
  const tryOut = useMemo(
    () => ({
      stamp: `${rowsOf} ${JSON.stringify(variables)}`,
      ask: (text: string, language: Language, port: string) =>
        post<Tried>(`/flows/${page.flowId}/expressions/try`, { text, language, ...sourceOf(step.id, port) }),
    }),
    [page.flowId, step.id, rowsOf, variables],
  )
  const set = (data: Partial<StepData>, key: string) => setData(step.id, data, key)
  return (
    <aside
      className="settings"
      aria-label={t('flow.settings.of', { step: labelOf(step) })}
      data-open={open || undefined}
    >
      <header className="settings-head">
        <Tile icon={type?.icon ?? ''} kind={type?.kind ?? 'logic'} title={type?.title ?? '?'} />
        <div className="settings-title">
          <input
            className="rename"
            data-first
            aria-label={t('flow.settings.name')}
            value={step.data.label ?? ''}
            readOnly={readOnly}
            onChange={({ target }) => set({ label: target.value }, 'label')}
          />
          <p className="soft">{type ? type.title : `${step.data.nodeType} · ${t('flow.settings.missing')}`}</p>
        </div>
        {!readOnly && (
          <button
            type="button"
            className="button"
            title={`${t('flow.command.runTo')} (${capsOf(command('runTo').keys[0]).join(' ')})`}
            onClick={() => run({ node: step.id, mode: 'to_here' })}
          >
            <Play size={14} aria-hidden="true" />
            <span className="head-word">{t('flow.settings.runTo')}</span>
          </button>
        )}
        {!readOnly && (
          <button
            type="button"
            className="icon-button"
            aria-label={t('flow.menu')}
            title={t('flow.menu')}
            aria-haspopup="menu"
            onClick={(event) => {
              const { left, bottom } = event.currentTarget.getBoundingClientRect()
              useUi.setState({ menu: { of: 'step', x: left, y: bottom } })
            }}
          >
            <MoreVertical size={17} />
          </button>
        )}
        <button
          type="button"
          className="icon-button only-small"
          aria-label={t('flow.settings.close')}
          onClick={() => useUi.setState({ settings: false, dockOpen: true })}
        >
          <X size={17} />
        </button>
      </header>
      <Tabs.Root defaultValue="settings" className="settings-tabs">
        <Tabs.List className="tabs">
          <Tabs.Tab value="settings">{t('flow.settings')}</Tabs.Tab>
          <Tabs.Tab value="error">{t('flow.settings.error')}</Tabs.Tab>
          <Tabs.Tab value="help">{t('flow.settings.help')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="settings" className="tab-panel">
          {pin && (
            <div className="notice pinned">
              <p>
                <Pin size={14} aria-hidden="true" />{' '}
                {t('flow.pin.used', { rows: rows(pin.rows), at: moment(pin.pinned_at) })}
              </p>
              {!readOnly && (
                <div className="row">
                  <button type="button" className="button" onClick={() => perform(command('rows'), page)}>
                    {t('flow.pin.edit')}
                  </button>
                  <button type="button" className="button" onClick={() => perform(command('pin'), page)}>
                    {t('flow.menu.unpin')}
                  </button>
                </div>
              )}
            </div>
          )}
          {failure && (
            <div className="notice" data-tone="error" role="alert">
              <p>{failure.message}</p>
              {failure.hint && <p>{failure.hint}</p>}
            </div>
          )}
          {others.map((one) => (
            <div key={one.path + one.code} className="notice" data-tone={one.severity === 'error' ? 'error' : 'warn'}>
              <p>{one.message}</p>
              <p className="soft">{one.fix}</p>
            </div>
          ))}
          {type ? (
            <form onSubmit={(event) => event.preventDefault()} autoComplete="off">
              <fieldset className="bare" disabled={readOnly}>
                <SchemaForm
                  schema={type.schema}
                  value={step.data.config ?? {}}
                  onChange={(config) => set({ config }, 'config')}
                  errors={errors}
                  readOnly={readOnly}
                  options={options}
                  columns={columns}
                  tryOut={tryOut}
                  names={names}
                  scope={step.id}
                />
              </fieldset>
              {type.kind === 'trigger' && <Starts node={step.id} config={step.data.config ?? {}} />}
            </form>
          ) : (
            <p className="soft">{t('flow.settings.plugin', { type: step.data.nodeType })}</p>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="error" className="tab-panel">
          <OnError step={step} set={set} />
        </Tabs.Panel>
        <Tabs.Panel value="help" className="tab-panel help-text">
          <p>{type?.summary}</p>
          {type?.docs.split('\n\n').map((part) => (
            <p key={part}>{part}</p>
          ))}
          {type && (
            <p className="soft">
              {t('flow.settings.version', {
                version: String(type.version),
                type: type.id,
                plugin: `${type.plugin.distribution} ${type.plugin.version}`,
              })}
            </p>
          )}
        </Tabs.Panel>
      </Tabs.Root>
    </aside>
  )
}

function OnError({ step, set }: { step: StepNode; set: (data: Partial<StepData>, key: string) => void }) {
  const retry = step.data.retry ?? {}
  const number = (
    id: string,
    label: string,
    help: string,
    value: number | undefined,
    integer: boolean,
    onChange: (value: number | undefined) => void,
  ) => (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <NumberInput
        id={id}
        label={label}
        path={id}
        schema={{ type: integer ? 'integer' : 'number', 'x-ui': { unit: integer ? t('flow.error.times') : 's' } }}
        nullable={false}
        value={value}
        described={`${id}-help`}
        invalid={false}
        required={false}
        onChange={(next) => {
          if (next === undefined || typeof next === 'number') onChange(next)
        }}
      />
      <p className="help" id={`${id}-help`}>
        {help}
      </p>
    </div>
  )
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <div className="field">
        <label htmlFor="on-error">{t('flow.error.when')}</label>
        <select
          id="on-error"
          value={step.data.onError ?? 'fail'}
          onChange={({ target }) => set({ onError: target.value }, 'onError')}
        >
          <option value="fail">{t('flow.error.fail')}</option>
          <option value="continue">{t('flow.error.continue')}</option>
          <option value="route">{t('flow.error.route')}</option>
        </select>
      </div>
      {number('retry-max', t('flow.error.again'), t('flow.error.again.help'), retry.max, true, (max) =>
        set({ retry: { ...retry, max: max ?? 0 } }, 'retry'),
      )}
      {number('retry-delay', t('flow.error.delay'), t('flow.error.delay.help'), retry.delay_s, false, (delay) =>
        set({ retry: { ...retry, delay_s: delay ?? 60 } }, 'retry'),
      )}
      {number('timeout', t('flow.error.timeout'), t('flow.error.timeout.help'), step.data.timeout, false, (timeout) =>
        set({ timeout: timeout ?? 0 }, 'timeout'),
      )}
    </form>
  )
}

/** The step and its port that feed an input. */
function sourceOf(id: string, port: string) {
  const { edges, nodes } = useDoc.getState()
  const loop = nodes.find((one) => one.id === id)?.parentId
  const fed = edges.find(
    (edge) => edge.target === id && edge.source !== loop && (!port || (edge.targetHandle ?? 'in') === port),
  )
  return fed ? { node_id: fed.source, port: fed.sourceHandle ?? 'out' } : {}
}

/** Columns that reach an input. */
function upstream(flow: string, id: string, port: string): string[] {
  const { edges, nodes } = useDoc.getState()
  const loop = nodes.find((one) => one.id === id)?.parentId // it keeps no rows of its items: they are executions of their own
  const before = edges.filter(
    (edge) => edge.target === id && edge.source !== loop && (!port || (edge.targetHandle ?? 'in') === port),
  )
  return [...new Set(before.flatMap(({ source, sourceHandle }) => given(flow, source, sourceHandle ?? 'out')))]
}

/** Names of what starts the flow, for templates. */
function ofEvent(flow: string, types: ReturnType<typeof useFlowPage>['types']): string[] {
  const triggers = useDoc.getState().nodes.filter(({ data }) => types.get(data.nodeType ?? '')?.kind === 'trigger')
  const names = new Set(triggers.flatMap(({ id }) => given(flow, id, 'out')))
  return [...names].map((name) => `input.row${member(name)}`)
}

const member = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`)
const NEAREST = 20
const ASKED = 5

/** Names of rows of the nearest steps before, for templates; a step that has the name of another goes by its id. */
function ofSteps(flow: string, step: string, types: ReturnType<typeof useFlowPage>['types']): string[] {
  const doc = useDoc.getState()
  const found: string[] = []
  for (
    let at: string | undefined = step;
    at && found.length < NEAREST;
    at = doc.nodes.find(({ id }) => id === at)?.parentId
  ) {
    found.push(...[...before(doc, at)].slice(1, NEAREST + 1 - found.length))
  }
  return found.flatMap((id, at) => {
    const node = doc.nodes.find((one) => one.id === id)
    const port = types.get(node?.data.nodeType ?? '')?.outputs.find((one) => one.kind === 'data')?.name
    if (!node || !port || node.data.disabled) return []
    const alike = doc.nodes.filter((one) => labelOf(one) === labelOf(node)).length > 1
    const named = `nodes${member(alike ? id : labelOf(node))}`
    const columns = given(flow, id, port, at < ASKED)
    return [
      ...(columns.length ? columns.map((name) => `${named}.row${member(name)}`) : [`${named}.row`]),
      `${named}.count`,
    ]
  })
}

/** Columns that a step gives: of its pinned rows, else of those of the execution that is shown; asked for once where unseen. */
function given(flow: string, step: string, port: string, ask = true): string[] {
  const { execution, nodes } = useRun.getState()
  const pin = usePins.getState()[step]
  if (!pin && !(execution && nodes[step]?.has_output)) return []
  const { queryKey, ...page } = rowsPage(
    `/${pin ? `flows/${flow}` : `executions/${execution?.id}`}/nodes/${encodeURIComponent(step)}/preview`,
    0,
    port,
  )
  const asked = { ...page, queryKey: [...queryKey, pin?.pinned_at ?? ''] }
  const known = client.getQueryData<Rows>(asked.queryKey)
  if (!known && ask) void client.prefetchQuery(asked)
  return known?.schema.map((column) => column.name) ?? []
}
