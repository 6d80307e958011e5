// The page of a step or connector: what it does, what goes in and out, its settings.
import type { ReactNode } from 'react'
import type { Plugin, Schema } from '../../api/types'
import { Markdown } from '../../kit/markdown'
import { ordered } from '../../lib/schema'
import { t } from '../../lib/text'
import { Fields } from './fields'

type Props = {
  title: string
  id: string
  mark: ReactNode
  summary: string
  docs: string
  plugin: Plugin
  schema: Schema
  facts: [string, string][]
}

export function Reference({ title, id, mark, summary, docs, plugin, schema, facts }: Props) {
  const fields = ordered(schema)
  return (
    <>
      <header className="card-top">
        {mark}
        <div>
          <h2>{title}</h2>
          <p className="soft">
            <code>{id}</code> · {plugin.distribution} {plugin.version}
          </p>
        </div>
      </header>
      <p className="docs-summary">{summary}</p>
      {docs && <Markdown text={docs} />}
      <dl className="approval-facts docs-facts">
        {facts
          .filter(([, value]) => value)
          .map(([word, value]) => (
            <div key={word}>
              <dt>{word}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      <Fields title={t('docs.settings')} fields={fields} required={schema.required ?? []} />
    </>
  )
}
