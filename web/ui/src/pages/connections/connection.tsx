// One connection: its settings with test and sign-in, and the data that it reaches. Also a new one.
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { useConnection, useConnectors } from '../../api/queries'
import type { Connection as Stored, Connector } from '../../api/types'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { State } from '../../kit/icon'
import { LinkTabs } from '../../kit/link-tabs'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { Tile } from '../../kit/tile'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { Gate, useLocked } from '../connectors/badges'
import { Data } from './data'
import { DropConnection } from './drop'
import { ConnectionForm } from './form'
import { Mappings } from './mappings'
import { SignIn } from './sign-in'

export function NewConnection({ connector: id }: { connector: string }) {
  const { data, error, refetch } = useConnectors()
  const [, go] = useLocation()
  const connector = data?.find((one) => one.id === id)
  const may = useMay('connection:create')
  const locked = useLocked(connector)
  const title = t('connections.newOf', { title: connector?.title ?? id })
  useTitle(title)
  if (error)
    return (
      <Page title={title}>
        <Trouble error={error} again={() => void refetch()} />
      </Page>
    )
  if (!data)
    return (
      <Page title={title}>
        <Waiting what={t('connections.connector')} />
      </Page>
    )
  if (!connector)
    return (
      <Page title={title}>
        <Empty title={t('connections.notInstalled', { id })} text={t('connections.notInstalled.why')}>
          <Link href="/connections/new" className="button primary">
            {t('connections.allConnectors')}
          </Link>
        </Empty>
      </Page>
    )
  return (
    <main className="page" id="main">
      <Head connector={connector} title={title} />
      {locked ? (
        <Empty title={t('connections.locked', { title: connector.title })} text={t('connections.locked.why')}>
          <Gate connector={connector} />
        </Empty>
      ) : !may ? (
        <Empty title={t('connections.mayNot')} text={t('connections.mayNot.why')} />
      ) : (
        <ConnectionForm
          connector={connector}
          onSaved={({ id: made }) => go(`/connections/${made}`)}
          onCancel={() => go('/connections')}
        />
      )}
    </main>
  )
}

export function ConnectionPage({ id }: { id: string }) {
  const { data, error, refetch } = useConnection(id)
  const connectors = useConnectors()
  const title = data?.name ?? t('connections.connection')
  useTitle(title)
  const wrong = error ?? connectors.error
  if (wrong)
    return (
      <Page title={title}>
        <Trouble
          error={wrong}
          again={() => {
            void refetch()
            void connectors.refetch()
          }}
        />
        <Link href="/connections" className="button">
          {t('connections.allConnections')}
        </Link>
      </Page>
    )
  if (!data || !connectors.data)
    return (
      <Page title={title}>
        <Waiting what={t('connections.connection')} />
      </Page>
    )
  return <Known stored={data} connector={connectors.data.find((one) => one.id === data.connector)} />
}

function Known({ stored, connector }: { stored: Stored; connector: Connector | undefined }) {
  const [, go] = useLocation()
  const [tab] = useAsked('tab')
  const [dropping, setDropping] = useState(false)
  const [round, setRound] = useState(0)
  const mayDelete = useMay('connection:delete')
  const mayQuery = useMay('connection:query')
  const place = `/connections/${stored.id}`
  const reads = mayQuery && connector?.capabilities.some((one) => one === 'read' || one === 'query' || one === 'files')
  const maps = mayQuery && connector?.capabilities.includes('query')
  const tabs = [
    { href: place, word: t('connections.settings') },
    ...(reads ? [{ href: `${place}?tab=data`, word: t('connections.data') }] : []),
    ...(maps ? [{ href: `${place}?tab=mappings`, word: t('connections.mappings') }] : []),
  ]
  return (
    <main className="page" id="main">
      <Head connector={connector} title={stored.name} state={stored.test_status}>
        {mayDelete && (
          <button type="button" className="button" onClick={() => setDropping(true)}>
            <Trash2 size={15} aria-hidden="true" />
            {t('connections.delete')}
          </button>
        )}
      </Head>
      {tabs.length > 1 && (
        <LinkTabs label={t('connections.parts')} tabs={tabs} at={tab ? `${place}?tab=${tab}` : place} />
      )}
      {!connector ? (
        <Empty
          title={t('connections.notInstalled', { id: stored.connector })}
          text={t('connections.notInstalled.why')}
        />
      ) : tab === 'data' && reads ? (
        <Data id={stored.id} files={connector.capabilities.includes('files')} />
      ) : tab === 'mappings' && maps ? (
        <Mappings id={stored.id} />
      ) : (
        <ConnectionForm
          key={round}
          connector={connector}
          stored={stored}
          onSaved={() => setRound(round + 1)}
          onCancel={() => go('/connections')}
        >
          {mayQuery && connector.auth.length > 0 && <SignIn id={stored.id} />}
          <Users flows={stored.used_by ?? []} />
        </ConnectionForm>
      )}
      {dropping && (
        <DropConnection connection={stored} onClose={() => setDropping(false)} onGone={() => go('/connections')} />
      )}
    </main>
  )
}

function Users({ flows }: { flows: { id: string; name: string }[] }) {
  return (
    <section className="card pane" aria-label={t('connections.usedBy')}>
      <h2>{t('connections.usedBy')}</h2>
      {flows.length === 0 ? (
        <p className="soft">{t('connections.usedByNone')}</p>
      ) : (
        <ul className="plain-list">
          {flows.map((one) => (
            <li key={one.id}>
              <Link href={`/flows/${one.id}`}>{one.name}</Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Head({
  connector,
  title,
  state,
  children,
}: {
  connector: Connector | undefined
  title: string
  state?: string
  children?: React.ReactNode
}) {
  return (
    <header className="page-head">
      <div className="card-top">
        <Tile icon={connector?.icon ?? ''} kind="connector" title={connector?.title ?? title} />
        <div>
          <h1 className="with-state">
            {title}
            {state && <State name={state} />}
          </h1>
          {connector && (
            <p className="soft">
              <Link href={`/connectors/${connector.id}`}>{connector.title}</Link> · {connector.summary}
            </p>
          )}
        </div>
      </div>
      {children && <div className="row">{children}</div>}
    </header>
  )
}
