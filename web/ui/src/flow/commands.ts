// Every act of the editor: its name, its keys, where it works. The keys, the sheet behind `?` and the menus read this table.
import { onClipboard } from '../kit/copy'
import { say } from '../kit/toasts'
import { t } from '../lib/text'
import { acts, focusStep } from './acts'
import type { FlowPage } from './context'
import { isStep, labelOf } from './graph'
import { nodeOf } from './lookup'
import { makeNote } from './notes'
import { togglePin } from './pins'
import { canRetry, retryFrom } from './retry'
import { useRun } from './run'
import {
  add,
  copySelected,
  deleteSelected,
  groupSelected,
  moveSelected,
  paste,
  redo,
  select,
  selectAll,
  selectedIds,
  toggleDisabled,
  undo,
  ungroupSelected,
  useDoc,
} from './store'
import { openPalette, useUi } from './ui'

export const SECTIONS = ['add', 'edit', 'run', 'view'] as const
export type Command = {
  /** Its word is `flow.command.<name>`. */
  name: string
  section: (typeof SECTIONS)[number]
  keys: string[]
  act: (page: FlowPage) => void
  /** It changes the flow: not for readers. */
  edits?: boolean
  /** It needs selected steps, or exactly one. */
  needs?: 'some' | 'one'
  /** Only while the focus is on the canvas; else the key belongs to what has the focus. */
  canvas?: boolean
  /** The browser tells of it by this event of the clipboard, not by its keys. */
  event?: 'copy' | 'cut' | 'paste'
  /** Also while somebody types. */
  always?: boolean
  menu?: 'step' | 'canvas'
  /** Not in the menu while there is nothing it could do. */
  shown?: () => boolean
}

/** The step that a command is about: the one that is selected, else the one with the focus. */
export function one(): string {
  const ids = selectedIds()
  if (ids.size === 1) return [...ids][0] as string
  const focused = document.activeElement?.closest<HTMLElement>('.react-flow__node')?.dataset.id ?? ''
  return ids.size === 0 ? focused : ''
}
const step = () => {
  const id = one()
  const node = nodeOf(useDoc.getState(), id)
  return node && isStep(node) ? id : ''
}
const part =
  (mode: 'node' | 'to_here' | 'from_here') =>
  ({ run }: FlowPage) => {
    const node = step()
    if (node) run({ node, mode })
    else say(t('flow.needs.one'))
  }
const move =
  (x: number, y: number) =>
  ({ types }: FlowPage) => {
    if (selectedIds().size) moveSelected(types, { x, y })
    else acts.walk(x, y)
  }

export const COMMANDS: Command[] = [
  { name: 'add', section: 'add', keys: ['/'], edits: true, menu: 'canvas', act: () => openPalette() },
  { name: 'addNext', section: 'add', keys: ['Tab'], edits: true, canvas: true, needs: 'one', act: () => openPalette() },
  {
    name: 'connect',
    section: 'add',
    keys: ['C'],
    edits: true,
    menu: 'step',
    needs: 'one',
    act: () => {
      const id = step()
      if (id) useUi.setState({ connecting: id })
    },
  },
  { name: 'note', section: 'add', keys: ['N'], edits: true, menu: 'canvas', act: note },
  { name: 'group', section: 'add', keys: ['G'], edits: true, menu: 'step', needs: 'some', act: group },
  {
    name: 'ungroup',
    section: 'add',
    keys: ['Shift G'],
    edits: true,
    needs: 'some',
    act: () => {
      if (!ungroupSelected()) say(t('flow.group.none'))
    },
  },

  {
    name: 'settings',
    section: 'edit',
    keys: ['Enter'],
    canvas: true,
    needs: 'one',
    menu: 'step',
    act: () => openSettings(),
  },
  {
    name: 'rename',
    section: 'edit',
    keys: ['F2'],
    edits: true,
    needs: 'one',
    menu: 'step',
    act: () => openSettings(true),
  },
  {
    name: 'duplicate',
    section: 'edit',
    keys: ['Ctrl D'],
    edits: true,
    needs: 'some',
    menu: 'step',
    act: ({ types }) => {
      paste(types, copySelected(), acts.center())
    },
  },
  {
    name: 'copy',
    section: 'edit',
    keys: ['Ctrl C'],
    event: 'copy',
    needs: 'some',
    menu: 'step',
    act: () => {
      void toClipboard()
    },
  },
  {
    name: 'cut',
    section: 'edit',
    keys: ['Ctrl X'],
    event: 'cut',
    edits: true,
    needs: 'some',
    act: ({ types }) => {
      void toClipboard().then((done) => {
        if (done) deleteSelected(types)
      })
    },
  },
  {
    name: 'paste',
    section: 'edit',
    keys: ['Ctrl V'],
    event: 'paste',
    edits: true,
    menu: 'canvas',
    act: ({ types }) => {
      void fromClipboard().then((text) => {
        if (text !== null && !paste(types, text, acts.center())) say(t('flow.paste.other'))
      })
    },
  },
  { name: 'disable', section: 'edit', keys: ['D'], edits: true, needs: 'some', menu: 'step', act: toggleDisabled },
  {
    name: 'pin',
    section: 'edit',
    keys: ['P'],
    edits: true,
    needs: 'one',
    menu: 'step',
    act: (page) => {
      const id = step()
      if (id) void togglePin(page, id)
    },
  },
  {
    name: 'rows',
    section: 'edit',
    keys: ['Shift P'],
    edits: true,
    needs: 'one',
    menu: 'step',
    act: () => {
      const id = step()
      if (id) useUi.setState({ rowsOf: id })
    },
  },
  {
    name: 'delete',
    section: 'edit',
    keys: ['Delete', 'Backspace'],
    edits: true,
    menu: 'step',
    act: ({ types }) => {
      deleteSelected(types)
    },
  },
  { name: 'undo', section: 'edit', keys: ['Ctrl Z'], edits: true, act: undo },
  { name: 'redo', section: 'edit', keys: ['Ctrl Shift Z', 'Ctrl Y'], edits: true, act: redo },
  { name: 'all', section: 'edit', keys: ['Ctrl A'], menu: 'canvas', act: selectAll },
  { name: 'left', section: 'edit', keys: ['←', 'Shift ←'], edits: true, canvas: true, act: move(-10, 0) },
  { name: 'right', section: 'edit', keys: ['→', 'Shift →'], edits: true, canvas: true, act: move(10, 0) },
  { name: 'up', section: 'edit', keys: ['↑', 'Shift ↑'], edits: true, canvas: true, act: move(0, -10) },
  { name: 'down', section: 'edit', keys: ['↓', 'Shift ↓'], edits: true, canvas: true, act: move(0, 10) },
  { name: 'tidy', section: 'edit', keys: ['Shift Alt T'], edits: true, menu: 'canvas', act: () => acts.tidy() },
  {
    name: 'save',
    section: 'edit',
    keys: ['Ctrl S'],
    edits: true,
    always: true,
    act: ({ save }) => {
      void save()
    },
  },
  {
    name: 'version',
    section: 'edit',
    keys: ['Ctrl Shift S'],
    edits: true,
    always: true,
    act: ({ save }) => {
      void save(true).then((done) => {
        if (done) useUi.setState({ versioning: true })
      })
    },
  },

  { name: 'run', section: 'run', keys: ['Ctrl Enter'], always: true, act: ({ run }) => run() },
  { name: 'runStep', section: 'run', keys: ['Shift Enter'], needs: 'one', menu: 'step', act: part('node') },
  { name: 'runTo', section: 'run', keys: ['Alt Enter'], needs: 'one', menu: 'step', act: part('to_here') },
  { name: 'runFrom', section: 'run', keys: ['Shift Alt Enter'], needs: 'one', menu: 'step', act: part('from_here') },
  {
    name: 'retry',
    section: 'run',
    keys: ['Ctrl Shift Enter'],
    needs: 'one',
    menu: 'step',
    act: (page) => {
      const id = step()
      if (id) void retryFrom(page, id)
    },
    shown: canRetry,
  },

  { name: 'find', section: 'view', keys: ['Ctrl F'], menu: 'canvas', act: () => useUi.setState({ finding: true }) },
  { name: 'problem', section: 'view', keys: ['F8'], act: nextProblem },
  { name: 'fit', section: 'view', keys: ['1'], menu: 'canvas', act: () => acts.fit() },
  { name: 'reset', section: 'view', keys: ['0'], act: () => acts.reset() },
  { name: 'closer', section: 'view', keys: ['+', '='], act: () => acts.zoom(1) },
  { name: 'farther', section: 'view', keys: ['-'], act: () => acts.zoom(-1) },
  { name: 'walkLeft', section: 'view', keys: ['Alt ←'], canvas: true, act: () => acts.walk(-1, 0) },
  { name: 'walkRight', section: 'view', keys: ['Alt →'], canvas: true, act: () => acts.walk(1, 0) },
  { name: 'walkUp', section: 'view', keys: ['Alt ↑'], canvas: true, act: () => acts.walk(0, -1) },
  { name: 'walkDown', section: 'view', keys: ['Alt ↓'], canvas: true, act: () => acts.walk(0, 1) },
  {
    name: 'outline',
    section: 'view',
    keys: ['O'],
    act: () => useUi.setState(({ face }) => ({ face: face === 'canvas' ? 'outline' : 'canvas' })),
  },
  {
    name: 'results',
    section: 'view',
    keys: ['R'],
    act: () => useUi.setState(({ dockOpen }) => ({ dockOpen: !dockOpen })),
  },
  { name: 'shortcuts', section: 'view', keys: ['?'], act: () => useUi.setState({ shortcuts: true }) },
  { name: 'nothing', section: 'view', keys: ['Esc'], act: () => select([]) },
]
const BY_NAME = new Map(COMMANDS.map((command) => [command.name, command]))
export const command = (name: string) => BY_NAME.get(name) as Command
const NAMED = new Set(['Ctrl', 'Shift', 'Alt', 'Enter', 'Delete', 'Backspace', 'Tab', 'Esc'])
const MAC = navigator.platform.startsWith('Mac')
/** Keys as this keyboard names them. */
export const capsOf = (keys: string | undefined) =>
  (keys ?? '').split(' ').map((key) => (MAC && key === 'Ctrl' ? '⌘' : NAMED.has(key) ? t(`flow.key.${key}`) : key))
export const wordOf = ({ name }: Command) => t(`flow.command.${name}`)

/** Do it, or say what it needs. */
export function perform(found: Command, page: FlowPage) {
  const chosen = found.needs === 'one' ? Boolean(one()) : found.needs === 'some' ? selectedIds().size > 0 : true
  if (chosen) found.act(page)
  else say(found.needs === 'one' ? t('flow.needs.one') : t('flow.needs.some'))
}

/** Settings of the step, with the focus in their first field. */
function openSettings(whole = false) {
  const id = one()
  if (!selectedIds().has(id)) select([id])
  useUi.setState({ settings: true })
  const focus = (left: number) =>
    requestAnimationFrame(() => {
      const field = document.querySelector<HTMLInputElement>('.settings [data-first]')
      if (!field && left > 0) return focus(left - 1)
      field?.focus()
      if (whole) field?.select()
    })
  focus(60)
}
export const rename = () => openSettings(true)

function note({ types }: FlowPage) {
  add(types, makeNote(acts.center()))
  openSettings()
}

function group({ types }: FlowPage) {
  if (!groupSelected(types, t('flow.group.new'))) return say(t('flow.group.levels'))
  openSettings(true)
}

async function toClipboard(): Promise<boolean> {
  const text = copySelected()
  const done = await onClipboard(text)
  if (!done) say(t('flow.paste.byKeys'))
  return done
}
/** Over plain http no page may read the clipboard; the keys of the browser still paste. */
const fromClipboard = async () =>
  (await navigator.clipboard?.readText().catch(() => null)) ?? (say(t('flow.paste.byKeys')), null)

let at = -1
function nextProblem({ problems }: FlowPage) {
  const failed = Object.entries(useRun.getState().nodes).flatMap(([id, { error }]) =>
    error ? [{ node_id: id, message: error.message }] : [],
  )
  const here = [...problems, ...failed].filter((problem) => nodeOf(useDoc.getState(), problem.node_id))
  if (!here.length) return say(t('flow.problem.none'), 'ok')
  at = (at + 1) % here.length
  const found = here[at]
  if (!found) return
  select([found.node_id])
  useUi.setState({ settings: true })
  acts.reveal(found.node_id)
  say(
    t('flow.problem.one', {
      at: at + 1,
      of: here.length,
      step: labelOf(nodeOf(useDoc.getState(), found.node_id)),
      message: found.message,
    }),
  )
  focusStep(found.node_id)
}
