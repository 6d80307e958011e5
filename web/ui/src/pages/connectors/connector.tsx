// One connector: its help, what it can do, what a connection asks for, and the connections that there are.
import { Check, Plug } from 'lucide-react'
import { Link } from 'wouter'
import { useConnections, useConnectors } from '../../api/queries'
import type { Connector as Kind, Schema } from '../../api/types'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { State } from '../../kit/icon'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { Prose, inline } from '../../kit/prose'
import { Tile } from '../../kit/tile'
import { ordered } from '../../lib/schema'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { Gate, Proof, useLocked } from './badges'
import { can, canWhy, capabilities, category, proofWhy } from './words'

export default function ConnectorPage({ id }: { id: string }) {
  const { data, error, refetch } = useConnectors()
  const connector = data?.find((one) => one.id === id)
  useTitle(connector?.title ?? t('connections.connector'))
  if (error)
    return (
      <Page title={t('connections.connector')}>
        <Trouble error={error} again={() => void refetch()} />
      </Page>
    )
  if (!data)
    return (
      <Page title={t('connections.connector')}>
        <Waiting what={t('connections.connector')} />
      </Page>
    )
  if (!connector)
    return (
      <Page title={id}>
        <Empty title={t('connections.notInstalled', { id })} text={t('connections.notInstalled.why')}>
          <Link href="/connectors" className="button primary">
            {t('connections.allConnectors')}
          </Link>
        </Empty>
      </Page>
    )
  return <Known connector={connector} />
}

function Known({ connector }: { connector: Kind }) {
  const may = useMay('connection:create')
  const locked = useLocked(connector)
  const connect =
    may
    && (locked ? (
      <Gate connector={connector} />
    ) : (
      <Link href={`/connections/new/${connector.id}`} className="button primary">
        <Plug size={15} aria-hidden="true" />
        {t('connections.connect')}
      </Link>
    ))
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div className="card-top">
          <Tile icon={connector.icon} kind="connector" title={connector.title} />
          <div>
            <h1>{connector.title}</h1>
            <p className="soft">{connector.summary}</p>
          </div>
        </div>
        {connect && <div className="row">{connect}</div>}
      </header>
      <div className="beside">
        <div className="stack">
          <section className="card pane">
            <h2>{t('connections.about')}</h2>
            <Prose text={connector.docs || connector.summary} />
          </section>
          <section className="card pane">
            <h2>{t('connections.whatItCan')}</h2>
            <ul className="abilities">
              {capabilities(connector).map((one) => (
                <li key={one}>
                  <Check size={15} aria-hidden="true" />
                  <span>
                    <b>{can(one)}</b> <span className="soft">{canWhy(one)}</span>
                  </span>
                </li>
              ))}
            </ul>
          </section>
          <section className="card pane">
            <h2>{t('connections.asks')}</h2>
            <Settings schema={connector.schema} />
          </section>
        </div>
        <aside className="stack" aria-label={t('connections.facts')}>
          <section className="card pane">
            <h2>{t('connections.facts')}</h2>
            <dl className="fact-list">
              <div>
                <dt>{t('connections.proven')}</dt>
                <dd>
                  <Proof level={connector.proof} />
                  <p className="soft">{proofWhy(connector.proof)}</p>
                </dd>
              </div>
              <div>
                <dt>{t('connections.package')}</dt>
                <dd>
                  {connector.plugin.distribution} {connector.plugin.version}
                </dd>
              </div>
              <div>
                <dt>{t('connections.kind')}</dt>
                <dd>
                  <Link href={`/connectors?category=${connector.category}`}>{category(connector.category)}</Link>
                </dd>
              </div>
              <div>
                <dt>{t('connections.support')}</dt>
                <dd>{connector.support}</dd>
              </div>
              {connector.auth.length > 0 && (
                <div>
                  <dt>{t('connections.signIn')}</dt>
                  <dd>{t('connections.byPerson')}</dd>
                </div>
              )}
              {connector.feature && (
                <div>
                  <dt>{t('connections.edition')}</dt>
                  <dd>{locked ? <Gate connector={connector} /> : t('connections.inEdition')}</dd>
                </div>
              )}
            </dl>
          </section>
          <Existing connector={connector} />
        </aside>
      </div>
    </main>
  )
}

function Settings({ schema }: { schema: Schema }) {
  const fields = ordered(schema)
  if (!fields.length) return <p className="soft">{t('connections.asksNothing')}</p>
  return (
    <dl className="asks">
      {fields.map(([name, part]) => (
        <div key={name}>
          <dt>
            {part.title ?? name}
            {schema.required?.includes(name) && <span className="badge">{t('connections.required')}</span>}
            {part.writeOnly && <span className="badge">{t('connections.secret')}</span>}
          </dt>
          <dd className="soft">
            {inline(part.description ?? '')}
            {typeof part.default !== 'object'
              && part.default !== undefined
              && part.default !== ''
              && ` ${t('connections.default', { value: String(part.default) })}`}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Existing({ connector }: { connector: Kind }) {
  const may = useMay('connection:read')
  const { data } = useConnections()
  const mine = data?.filter((one) => one.connector === connector.id) ?? []
  if (!may || !mine.length) return null
  return (
    <section className="card pane">
      <h2>{t('connections.ofIt')}</h2>
      <ul className="plain-list">
        {mine.map((one) => (
          <li key={one.id}>
            <Link href={`/connections/${one.id}`}>{one.name}</Link>
            <State name={one.test_status} />
          </li>
        ))}
      </ul>
    </section>
  )
}
