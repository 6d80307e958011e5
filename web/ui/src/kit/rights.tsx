// A matrix of rights: a line for a resource, columns for what nearly all have, and the rest beside them.
import { Check, Minus } from 'lucide-react'
import { t } from '../lib/text'
import { actionWord, byResource, resourceWord } from '../lib/rights'

const COMMON = ['read', 'create', 'update', 'delete', 'restore']

type Props = { every: string[]; held: string[]; onChange?: (held: string[]) => void; label: string }

export function Rights({ every, held, onChange, label }: Props) {
  const has = new Set(held)
  const turn = (rights: string[], on: boolean) =>
    onChange?.(on ? [...new Set([...held, ...rights])] : held.filter((one) => !rights.includes(one)))
  return (
    <div className="rights" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('rights.resource')}</th>
            {COMMON.map((action) => (
              <th key={action} scope="col" data-mark>
                {actionWord(action)}
              </th>
            ))}
            <th scope="col">{t('rights.more')}</th>
          </tr>
        </thead>
        <tbody>
          {byResource(every).map(([resource, actions]) => {
            const all = actions.map((action) => `${resource}:${action}`)
            const word = resourceWord(resource)
            const full = all.every((one) => has.has(one))
            return (
              <tr key={resource}>
                <th scope="row">
                  {onChange ? (
                    <button
                      type="button"
                      className="link"
                      aria-label={t(full ? 'rights.none' : 'rights.all', { what: word })}
                      onClick={() => turn(all, !full)}
                    >
                      {word}
                    </button>
                  ) : (
                    word
                  )}
                </th>
                {COMMON.map((action) => {
                  const right = `${resource}:${action}`
                  return (
                    <td key={action} data-mark data-column={actionWord(action)}>
                      {actions.includes(action) && (
                        <Mark
                          label={`${word}: ${actionWord(action)}`}
                          on={has.has(right)}
                          {...(onChange ? { onTurn: (on: boolean) => turn([right], on) } : {})}
                        />
                      )}
                    </td>
                  )
                })}
                <td>
                  <span className="rights-more">
                    {actions
                      .filter((action) => !COMMON.includes(action))
                      .map((action) => {
                        const right = `${resource}:${action}`
                        const said = actionWord(action)
                        if (!onChange)
                          return (
                            <span key={action} data-on={has.has(right) || undefined}>
                              {has.has(right) ? (
                                <Check size={14} role="img" aria-label={t('rights.yes')} />
                              ) : (
                                <Minus size={14} role="img" aria-label={t('rights.no')} />
                              )}
                              {said}
                            </span>
                          )
                        return (
                          <label key={action} className="check">
                            <input
                              type="checkbox"
                              checked={has.has(right)}
                              onChange={({ target }) => turn([right], target.checked)}
                            />
                            {said}
                          </label>
                        )
                      })}
                  </span>
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function Mark({ label, on, onTurn }: { label: string; on: boolean; onTurn?: (on: boolean) => void }) {
  if (onTurn)
    return <input type="checkbox" aria-label={label} checked={on} onChange={({ target }) => onTurn(target.checked)} />
  return on ? (
    <Check size={16} role="img" aria-label={t('rights.yes')} />
  ) : (
    <Minus size={16} role="img" aria-label={t('rights.no')} />
  )
}
