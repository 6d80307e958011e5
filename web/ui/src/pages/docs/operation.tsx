// The page of an operation of the API: how it is called, with what, and what it answers.
import { Copy } from 'lucide-react'
import { onClipboard } from '../../kit/copy'
import { Markdown } from '../../kit/markdown'
import { fail, say } from '../../kit/toasts'
import { ordered } from '../../lib/schema'
import { t } from '../../lib/text'
import { Fields } from './fields'
import type { Described } from './openapi'

const example = ({ method, path, body }: Described) =>
  [
    `curl -X ${method} ${location.origin}${path}`,
    `  -H 'Authorization: Bearer <key>'`,
    ...(body
      ? [
          `  -H 'Content-Type: application/json'`,
          `  -d '{${(body.required ?? []).map((name) => `"${name}": …`).join(', ')}}'`,
        ]
      : []),
  ].join(' \\\n')

export function Operation({ operation }: { operation: Described }) {
  const { method, path, text, parameters, body, answers } = operation
  const command = example(operation)
  return (
    <>
      <h2 className="operation">
        <code className="method" data-method={method}>
          {method}
        </code>{' '}
        <code>{path}</code>
      </h2>
      {text && <Markdown text={text} />}
      <div className="docs-example">
        <pre tabIndex={0}>
          <code>{command}</code>
        </pre>
        <button
          type="button"
          className="icon-button"
          aria-label={t('docs.copy')}
          title={t('docs.copy')}
          onClick={() =>
            void onClipboard(command).then((done) => (done ? say(t('docs.copied'), 'ok') : fail(t('admin.copyByHand'))))
          }
        >
          <Copy size={15} />
        </button>
      </div>
      <Fields
        title={t('docs.parameters')}
        fields={parameters.map((one) => [
          one.name,
          { ...one.schema, description: one.description ?? one.schema?.description ?? '' },
        ])}
        required={parameters.filter((one) => one.required).map(({ name }) => name)}
      />
      {body?.properties && <Fields title={t('docs.body')} fields={ordered(body)} required={body.required ?? []} />}
      <h3>{t('docs.answers')}</h3>
      <dl className="docs-answers">
        {answers.map(([status, why]) => (
          <div key={status}>
            <dt>
              <code>{status}</code>
            </dt>
            <dd>{why}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}
