// All connectors that are installed: searched, filtered by what they are, can do, and how far they are proven.
import { useMemo } from 'react'
import { Link } from 'wouter'
import { useConnectors } from '../../api/queries'
import type { Connector } from '../../api/types'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { Tile } from '../../kit/tile'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { Gate, Proof } from './badges'
import { byImportance, can, capabilities, category, matches, proof } from './words'

const ON_A_CARD = 4
const PROOFS = ['real server', 'engine', 'wire-compatible', 'emulator', 'unproven']
const amount = (of: Connector[], id: string) => (id ? of.filter((one) => one.category === id) : of).length

export default function Connectors() {
  return <Gallery choosing={false} />
}

/** The same, to begin a connection: a card leads to its form. */
export function ChooseConnector() {
  return <Gallery choosing />
}

function Gallery({ choosing }: { choosing: boolean }) {
  const title = choosing ? t('connections.choose') : t('connections.connectors')
  useTitle(title)
  const { data, error, refetch } = useConnectors()
  const [q, setQ] = useAsked('q')
  const [kind, setKind] = useAsked('category')
  const [does, setDoes] = useAsked('can')
  const [proven, setProven] = useAsked('proof')
  const may = useMay('connection:create')
  const categories = useMemo(
    () => [...new Set(data?.map((one) => one.category))].sort((a, b) => category(a).localeCompare(category(b))),
    [data],
  )
  const doable = useMemo(() => byImportance(new Set(data?.flatMap((one) => one.capabilities))), [data])
  const found =
    data?.filter(
      (one) => matches(one, q) && (!does || one.capabilities.includes(does)) && (!proven || one.proof === proven),
    ) ?? []
  const shown = found.filter((one) => !kind || one.category === kind).sort((a, b) => a.title.localeCompare(b.title))
  const filtered = Boolean(q || kind || does || proven)
  const clear = () => {
    setQ('')
    setKind('')
    setDoes('')
    setProven('')
  }
  return (
    <Page title={title} text={data && t('connections.installed', { n: data.length })}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('connections.connectors')} />
      ) : (
        <>
          <div className="filters sources-filters">
            <SearchBox label={t('connections.searchConnectors')} value={q} onChange={setQ} />
            <label className="row">
              <span className="soft">{t('connections.canDo')}</span>
              <select value={does} onChange={({ target }) => setDoes(target.value)}>
                <option value="">{t('connections.anything')}</option>
                {doable.map((one) => (
                  <option key={one} value={one}>
                    {can(one)}
                  </option>
                ))}
              </select>
            </label>
            <label className="row">
              <span className="soft">{t('connections.proven')}</span>
              <select value={proven} onChange={({ target }) => setProven(target.value)}>
                <option value="">{t('connections.anyhow')}</option>
                {PROOFS.map((one) => (
                  <option key={one} value={one}>
                    {proof(one)}
                  </option>
                ))}
              </select>
            </label>
          </div>
          <div className="segmented filter" role="radiogroup" aria-label={t('connections.categories')}>
            {['', ...categories].map((one) => (
              <label key={one}>
                <input type="radio" name="category" checked={kind === one} onChange={() => setKind(one)} />
                <span>
                  {one ? category(one) : t('connections.all')}
                  <span className="soft amount">{amount(found, one)}</span>
                </span>
              </label>
            ))}
          </div>
          <p className="sr" role="status">
            {t('connections.found', { n: shown.length })}
          </p>
          {shown.length === 0 ? (
            <Empty title={t('connections.noConnector')} text={t('connections.noConnector.why')}>
              {filtered && (
                <button type="button" className="button" onClick={clear}>
                  {t('connections.clear')}
                </button>
              )}
            </Empty>
          ) : (
            <ul className="cards gallery-cards">
              {shown.map((one) => (
                <Card
                  key={one.id}
                  connector={one}
                  href={choosing && may ? `/connections/new/${one.id}` : `/connectors/${one.id}`}
                />
              ))}
            </ul>
          )}
        </>
      )}
    </Page>
  )
}

function Card({ connector: one, href }: { connector: Connector; href: string }) {
  const able = capabilities(one)
  return (
    <li className="card card-link">
      <div className="card-top">
        <Tile icon={one.icon} kind="connector" title={one.title} />
        <div className="card-names">
          <h2>
            <Link href={href}>{one.title}</Link>
          </h2>
          <p className="soft" title={`${one.plugin.distribution} ${one.plugin.version}`}>
            {one.plugin.distribution} {one.plugin.version}
          </p>
        </div>
      </div>
      <p className="card-text">{one.summary}</p>
      <p className="soft card-can" title={able.map(can).join(', ')}>
        {able.slice(0, ON_A_CARD).map(can).join(' · ')}
        {able.length > ON_A_CARD && ` +${able.length - ON_A_CARD}`}
      </p>
      <p className="card-foot card-proof">
        <Proof level={one.proof} />
        <Gate connector={one} />
      </p>
    </li>
  )
}
