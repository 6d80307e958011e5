// The sheet of all keys, from the table of commands.
import { Dialog } from '../kit/dialog'
import { t } from '../lib/text'
import { COMMANDS, SECTIONS, capsOf, wordOf } from './commands'
import { useFlowPage } from './context'
import { useUi } from './ui'

export function Shortcuts() {
  const open = useUi((state) => state.shortcuts)
  const { readOnly } = useFlowPage()
  if (!open) return null
  return (
    <Dialog title={t('flow.shortcuts')} size="large" onClose={() => useUi.setState({ shortcuts: false })}>
      <div className="sheet">
        {SECTIONS.map((section) => {
          const list = COMMANDS.filter((one) => one.section === section && !(readOnly && one.edits))
          return (
            list.length > 0 && (
              <section key={section}>
                <h3>{t(`flow.section.${section}`)}</h3>
                <dl>
                  {list.map((one) => (
                    <div key={one.name}>
                      <dt>
                        {one.keys.map((keys) => (
                          <Keys key={keys} keys={keys} />
                        ))}
                      </dt>
                      <dd>{wordOf(one)}</dd>
                    </div>
                  ))}
                </dl>
              </section>
            )
          )
        })}
      </div>
      <p className="soft shortcuts-more">{t('flow.shortcuts.more')}</p>
    </Dialog>
  )
}

const Keys = ({ keys }: { keys: string }) => (
  <span className="keys">
    {capsOf(keys).map((key) => (
      <kbd key={key}>{key}</kbd>
    ))}
  </span>
)
