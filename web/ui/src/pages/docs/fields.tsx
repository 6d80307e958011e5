// Fields of a schema as a table: name, type, whether it is needed, what it means.
import type { Json, Schema } from '../../api/types'
import { Inline } from '../../kit/markdown'
import { t } from '../../lib/text'

type Loose = Schema & { anyOf?: Loose[]; $ref?: string }

/** A type in few words: `text`, `list of number`, `one of a, b`. */
export function typeWord(given: Loose): string {
  const listed = given.anyOf ?? given.oneOf
  if (listed) return [...new Set(listed.filter(({ type }) => type !== 'null').map(typeWord))].join(` ${t('docs.or')} `)
  if (given.enum) return given.enum.map(String).join(' | ')
  if (given.const !== undefined) return JSON.stringify(given.const)
  if (given.$ref) return given.$ref.slice(given.$ref.lastIndexOf('/') + 1)
  const type = Array.isArray(given.type) ? given.type.filter((one) => one !== 'null').join(' | ') : (given.type ?? '')
  if (type === 'array' && given.items) return t('docs.listOf', { type: typeWord(given.items) })
  return given.format ? `${type} (${given.format})` : type
}

const shown = (value: Json | undefined) =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && !value.length)
    ? ''
    : JSON.stringify(value)

export function Fields({ title, fields, required }: { title: string; fields: [string, Schema][]; required: string[] }) {
  if (!fields.length) return null
  return (
    <>
      <h3>{title}</h3>
      <div className="table-card docs-fields" tabIndex={0} role="region" aria-label={title}>
        <table className="list">
          <thead>
            <tr>
              <th scope="col">{t('flows.name')}</th>
              <th scope="col">{t('docs.type')}</th>
              <th scope="col">{t('docs.meaning')}</th>
            </tr>
          </thead>
          <tbody>
            {fields.map(([name, field]) => (
              <tr key={name}>
                <td>
                  <strong>{field.title ?? name}</strong>
                  {field.title && <code className="soft">{name}</code>}
                  {required.includes(name) && (
                    <span className="badge" data-tone="wait">
                      {t('docs.required')}
                    </span>
                  )}
                </td>
                <td>
                  <code>{typeWord(field)}</code>
                </td>
                <td>
                  {field.description && <Inline text={field.description} />}
                  {shown(field.default) && (
                    <span className="soft"> {t('docs.default', { value: shown(field.default) })}</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}
