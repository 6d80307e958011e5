// Help in the product: steps and connectors from their packages, the API from its own document. Works offline.
import { ChevronLeft } from 'lucide-react'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { useConnectors, useNodeTypes } from '../api/queries'
import { useAddress } from '../app/address'
import { useTitle } from '../app/title'
import { Choice } from '../kit/choice'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../kit/parts'
import { Tile } from '../kit/tile'
import { t } from '../lib/text'
import { can, capabilities, category } from './connectors/words'
import { Operation } from './docs/operation'
import { useOperations } from './docs/openapi'
import { Reference } from './docs/reference'
import '../styles/flows.css'
import '../styles/docs.css'

/** What one can read about: where it stands in the list, and its page. */
type Entry = { id: string; title: string; group: string; find: string; mark?: ReactNode; page: () => ReactNode }
type Read = { list: Entry[] | undefined; error: Error | null; again: () => void }
const KINDS = ['trigger', 'source', 'transform', 'logic', 'quality', 'ai', 'sink']
const PARTS = ['steps', 'connectors', 'api'] as const

export default function Docs() {
  useTitle(t('places.docs'))
  const { get, set } = useAddress()
  const [q, setQ] = useState('')
  const part = PARTS.find((one) => one === get('part')) ?? 'steps'
  const reads: Record<(typeof PARTS)[number], Read> = {
    steps: useSteps(),
    connectors: useAllConnectors(),
    api: useApi(part === 'api'),
  }
  const { list, error, again } = reads[part]
  const words = q.toLowerCase().split(/\s+/)
  const found = list?.filter(({ find }) => words.every((word) => find.includes(word)))
  const open = list?.find(({ id }) => id === get('id'))
  const groups = [...new Set(found?.map(({ group }) => group))]
  const shown = open ?? found?.[0]
  return (
    <Page title={t('places.docs')} text={t('docs.about')}>
      <div className="filters">
        <Choice
          label={t('docs.part')}
          value={part}
          options={PARTS.map((one) => [one, t(`docs.${one}`)])}
          onChange={(one) => {
            setQ('')
            set({ part: one, id: '' })
          }}
        />
        <SearchBox label={t('docs.search')} value={q} onChange={setQ} />
      </div>
      {error ? (
        <Trouble error={error} again={again} />
      ) : !found ? (
        <Waiting what={t('places.docs')} />
      ) : found.length === 0 ? (
        <Empty title={t('docs.none')} text={t('docs.none.why')} />
      ) : (
        <div className="docs" data-one={open ? true : undefined}>
          <nav className="card docs-list" aria-label={t(`docs.${part}`)}>
            {groups.map((group) => (
              <section key={group} aria-label={group}>
                <h2 className="nav-section">{group}</h2>
                <ul>
                  {found
                    .filter((one) => one.group === group)
                    .map(({ id, title, mark }) => (
                      <li key={id}>
                        <button
                          type="button"
                          className="tree-item"
                          aria-current={id === shown?.id ? 'true' : undefined}
                          onClick={() => set({ part, id })}
                        >
                          {mark}
                          <span>{title}</span>
                        </button>
                      </li>
                    ))}
                </ul>
              </section>
            ))}
          </nav>
          <article className="card docs-page">
            {open && (
              <button type="button" className="button only-small docs-back" onClick={() => set({ id: '' })}>
                <ChevronLeft size={15} aria-hidden="true" />
                {t(`docs.${part}`)}
              </button>
            )}
            {shown?.page()}
          </article>
        </div>
      )}
    </Page>
  )
}

function useSteps(): Read {
  const { data, error, refetch } = useNodeTypes()
  const connectors = useConnectors().data
  const sorted = [...(data ?? [])].sort(
    (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.id.localeCompare(b.id),
  )
  const list =
    data
    && sorted.map((one): Entry => {
      const of = connectors?.find(({ id }) => id === one.connector)?.title
      return {
        id: one.id,
        title: of && !one.title.startsWith(of) ? `${of}: ${one.title}` : one.title,
        group: t(`docs.kind.${one.kind}`),
        find: `${one.title} ${one.id} ${one.summary} ${one.tags.join(' ')} ${of ?? ''}`.toLowerCase(),
        mark: <Tile icon={one.icon} kind={one.kind} title={one.title} small />,
        page: () => (
          <Reference
            title={one.title}
            id={one.id}
            mark={<Tile icon={one.icon} kind={one.kind} title={one.title} />}
            summary={one.summary}
            docs={one.docs}
            plugin={one.plugin}
            schema={one.schema}
            facts={[
              [t('docs.inputs'), one.inputs.map(({ title }) => title).join(', ')],
              [t('docs.outputs'), one.outputs.map(({ title }) => title).join(', ')],
            ]}
          />
        ),
      }
    })
  return { list, error, again: () => void refetch() }
}

function useAllConnectors(): Read {
  const { data, error, refetch } = useConnectors()
  const list = data
    ?.map((one): Entry => ({
      id: one.id,
      title: one.title,
      group: category(one.category),
      find: `${one.title} ${one.id} ${one.summary} ${one.category}`.toLowerCase(),
      mark: <Tile icon={one.icon} kind="connector" title={one.title} small />,
      page: () => (
        <Reference
          title={one.title}
          id={one.id}
          mark={<Tile icon={one.icon} kind="connector" title={one.title} />}
          summary={one.summary}
          docs={one.docs}
          plugin={one.plugin}
          schema={one.schema}
          facts={[[t('docs.can'), capabilities(one).map(can).join(', ')]]}
        />
      ),
    }))
    .sort((a, b) => a.group.localeCompare(b.group) || a.title.localeCompare(b.title))
  return { list, error, again: () => void refetch() }
}

function useApi(enabled: boolean): Read {
  const { data, error, refetch } = useOperations(enabled)
  const list = data?.map((one): Entry => ({
    id: one.id,
    title: one.path.replace('/api/v1', ''),
    group: one.tag,
    find: `${one.method} ${one.path} ${one.text} ${one.tag}`.toLowerCase(),
    mark: (
      <code className="method" data-method={one.method}>
        {one.method}
      </code>
    ),
    page: () => <Operation operation={one} />,
  }))
  return { list, error, again: () => void refetch() }
}
