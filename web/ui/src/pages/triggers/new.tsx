// A new trigger: first its kind, then its form.
import { useState } from 'react'
import { Link, useLocation, useSearchParams } from 'wouter'
import { useTriggerTypes } from '../../api/triggers'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { Tile } from '../../kit/tile'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { Fresh } from '../webhooks/fresh'
import { TriggerForm } from './form'
import type { Made } from './form'
import { placeOf } from './place'

const ORDER = ['time', 'webhook', 'flow', 'asset', 'source']
const place = (mode: string) => ORDER.indexOf(mode) + 1 || ORDER.length

export default function NewTrigger() {
  useTitle(t('triggers.start'))
  const { data, error, refetch } = useTriggerTypes()
  const [q, setQ] = useAsked('q')
  const [params] = useSearchParams()
  const flow = params.get('flow')
  const mode = params.get('mode')
  const shown = data
    ?.filter(
      (one) =>
        one.mode !== 'manual'
        && (!mode || one.mode === mode)
        && `${one.title} ${one.summary}`.toLowerCase().includes(q.toLowerCase()),
    )
    .sort((a, b) => place(a.mode) - place(b.mode) || a.title.localeCompare(b.title))
  return (
    <Page title={t('triggers.start')} text={t('triggers.start.why')}>
      <SearchBox label={t('triggers.searchKinds')} value={q} onChange={setQ} />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !shown ? (
        <Waiting what={t('triggers.kinds')} />
      ) : shown.length === 0 ? (
        <Empty title={t('triggers.noMatch')} text={t('triggers.noMatch.why')} />
      ) : (
        <ul className="cards gallery-cards">
          {shown.map((one) => (
            <li key={one.id} className="card card-link">
              <div className="card-top">
                <Tile icon={one.icon} kind="trigger" title={one.title} />
                <div>
                  <h2>
                    <Link href={`/triggers/new/${one.id}${flow ? `?flow=${flow}` : ''}`}>{one.title}</Link>
                  </h2>
                </div>
              </div>
              <p className="card-text soft">{one.summary}</p>
            </li>
          ))}
        </ul>
      )}
    </Page>
  )
}

export function NewTriggerOf({ type: id }: { type: string }) {
  const { data, error, refetch } = useTriggerTypes()
  const [, go] = useLocation()
  const [params] = useSearchParams()
  const [made, setMade] = useState<Made | null>(null)
  const type = data?.find((one) => one.id === id)
  const title = type ? t('triggers.newOf', { title: type.title }) : t('triggers.new')
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
        <Waiting what={t('triggers.kinds')} />
      </Page>
    )
  if (!type)
    return (
      <Page title={title}>
        <Empty title={t('triggers.notInstalled', { id })} text={t('triggers.notInstalled.why')}>
          <Link href="/triggers/new" className="button primary">
            {t('triggers.kinds')}
          </Link>
        </Empty>
      </Page>
    )
  const saved = (one: Made) => (one.signing_key ? setMade(one) : go(placeOf(type.mode, one.id)))
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div className="card-top">
          <Tile icon={type.icon} kind="trigger" title={type.title} />
          <div>
            <h1>{title}</h1>
            <p className="soft">{type.summary}</p>
          </div>
        </div>
      </header>
      {made ? (
        <Fresh id={made.id} signingKey={made.signing_key ?? ''} />
      ) : (
        <TriggerForm type={type} flow={params.get('flow') ?? ''} onSaved={saved} onCancel={() => history.back()} />
      )}
    </main>
  )
}
