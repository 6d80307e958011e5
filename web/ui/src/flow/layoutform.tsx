// Settings of a note or a group: its words and its colour.
import { Trash2, Ungroup, X } from 'lucide-react'
import { t } from '../lib/text'
import { useFlowPage } from './context'
import { COLOURS, isGroup, layoutOf } from './notes'
import { deleteSelected, setData } from './store'
import type { StepNode } from './store'
import { useUi } from './ui'

export function LayoutSettings({ node, open }: { node: StepNode; open: boolean }) {
  const { types, readOnly } = useFlowPage()
  const group = isGroup(node)
  const { label, text, color } = layoutOf(node)
  const name = t(group ? 'flow.group' : 'flow.note')
  const set = (data: Record<string, string>, key: string) => setData(node.id, data as never, key)
  return (
    <aside className="settings" aria-label={name} data-open={open || undefined}>
      <header className="settings-head">
        <div className="settings-title">
          <h2>{name}</h2>
          <p className="soft">{t(group ? 'flow.group.help' : 'flow.note.help')}</p>
        </div>
        <button
          type="button"
          className="icon-button only-small"
          aria-label={t('flow.settings.close')}
          onClick={() => useUi.setState({ settings: false, dockOpen: true })}
        >
          <X size={17} />
        </button>
      </header>
      <form className="tab-panel" onSubmit={(event) => event.preventDefault()} autoComplete="off">
        <fieldset className="bare" disabled={readOnly}>
          <div className="field">
            <label htmlFor="layout-title">{t('flow.layout.title')}</label>
            <input
              id="layout-title"
              data-first={group || undefined}
              value={label ?? ''}
              onChange={({ target }) => set({ label: target.value }, 'label')}
            />
          </div>
          {!group && (
            <div className="field">
              <label htmlFor="layout-text">{t('flow.layout.text')}</label>
              <textarea
                id="layout-text"
                data-first
                rows={7}
                value={text ?? ''}
                onChange={({ target }) => set({ text: target.value }, 'text')}
              />
            </div>
          )}
          <fieldset className="bare">
            <legend className="label">{t('flow.layout.colour')}</legend>
            <div className="swatches">
              {COLOURS.map((one) => (
                <label key={one} className="swatch" data-color={one}>
                  <input
                    type="radio"
                    name="layout-colour"
                    checked={(color ?? 'yellow') === one}
                    onChange={() => set({ color: one }, 'color')}
                  />
                  <span>{t(`flow.colour.${one}`)}</span>
                </label>
              ))}
            </div>
          </fieldset>
          {!readOnly && (
            <button type="button" className="button" onClick={() => deleteSelected(types)}>
              {group ? <Ungroup size={15} aria-hidden="true" /> : <Trash2 size={15} aria-hidden="true" />}
              {t(group ? 'flow.command.ungroup' : 'flow.note.delete')}
            </button>
          )}
        </fieldset>
      </form>
    </aside>
  )
}
