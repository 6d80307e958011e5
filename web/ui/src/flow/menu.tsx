// The menu of a step or of the canvas: the commands of the table that belong there, with their keys.
import { Menu } from '@base-ui/react/menu'
import { useMemo } from 'react'
import { t } from '../lib/text'
import { COMMANDS, SECTIONS, capsOf, one, perform, wordOf } from './commands'
import type { Command } from './commands'
import { useFlowPage } from './context'
import { isStep } from './graph'
import { nodeOf } from './lookup'
import { usePins } from './pins'
import { selectedIds, useDoc } from './store'
import { useUi } from './ui'

const STEP_ONLY = new Set(['connect', 'pin', 'rows', 'disable', 'runStep', 'runTo', 'runFrom', 'retry'])
const TURNS: Record<string, () => string> = { disable: () => t('flow.menu.enable'), pin: () => t('flow.menu.unpin') }

export function StepMenu() {
  const at = useUi((state) => state.menu)
  const anchor = useMemo(() => ({ getBoundingClientRect: () => new DOMRect(at?.x ?? 0, at?.y ?? 0, 0, 0) }), [at])
  return (
    <Menu.Root
      open={Boolean(at)}
      onOpenChange={(open) => {
        if (!open) useUi.setState({ menu: null })
      }}
    >
      {at && (
        <Menu.Portal>
          <Menu.Positioner anchor={anchor} side="bottom" align="start" sideOffset={2} className="menu-place">
            <Menu.Popup className="menu step-menu">
              <Items of={at.of} />
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      )}
    </Menu.Root>
  )
}

function Items({ of }: { of: 'step' | 'canvas' }) {
  const page = useFlowPage()
  const pins = usePins()
  const chosen = selectedIds()
  const single = one()
  const node = nodeOf(useDoc.getState(), single)
  const step = node && isStep(node)
  const on = (found: Command) =>
    found.name === 'disable' ? Boolean(node?.data.disabled) : found.name === 'pin' ? Boolean(pins[single]) : false
  const fits = (found: Command) =>
    found.menu === of
    && (found.shown?.() ?? true)
    && !(page.readOnly && found.edits)
    && (found.needs !== 'one' || single)
    && !(STEP_ONLY.has(found.name) && single && !step)
  const sections = SECTIONS.map((section) =>
    COMMANDS.filter((found) => found.section === section && fits(found)),
  ).filter((list) => list.length)
  const ordered =
    of === 'step'
      ? [...sections].sort((a, b) => Number(b[0]?.section === 'run') - Number(a[0]?.section === 'run'))
      : sections
  return (
    <>
      {of === 'step' && chosen.size > 1 && <p className="menu-title">{t('flow.selected', { n: chosen.size })}</p>}
      {ordered.map((list, index) => (
        <Menu.Group key={list[0]?.section}>
          {index > 0 && <Menu.Separator className="menu-line" />}
          {list.map((found) => (
            <Menu.Item
              key={found.name}
              onClick={() => {
                useUi.setState({ menu: null })
                perform(found, page)
              }}
            >
              <span>{on(found) ? TURNS[found.name]?.() : wordOf(found)}</span>
              <kbd>{capsOf(found.keys[0]).join(' ')}</kbd>
            </Menu.Item>
          ))}
        </Menu.Group>
      ))}
    </>
  )
}
