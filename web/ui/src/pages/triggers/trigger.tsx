// One trigger: its settings, and what became of its times or calls. Schedules and webhooks are triggers too.
import { Pause, Play, Power, Trash2, Zap } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { useTargets, useTrigger } from '../../api/starts'
import { useTriggerTypes } from '../../api/triggers'
import type { Trigger, TriggerType } from '../../api/triggers'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { LinkTabs } from '../../kit/link-tabs'
import { Empty, Page, Trouble, Waiting } from '../../kit/parts'
import { Tile } from '../../kit/tile'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { History } from '../schedules/history'
import { Calls } from '../webhooks/calls'
import { AddressCard } from '../webhooks/fresh'
import { activate, runNow, turn } from './acts'
import { DropTrigger } from './drop'
import { Duplicates } from './duplicates'
import { TriggerForm } from './form'
import { placeOf } from './place'
import { Standing } from './standing'
import { Where } from './where'

export default function TriggerPage({ id }: { id: string }) {
  const { data, error, refetch } = useTrigger(id)
  const types = useTriggerTypes()
  const type = types.data?.find((one) => one.id === data?.trigger_type)
  const title = data ? data.name || (type?.title ?? data.trigger_type) : t('triggers.trigger')
  useTitle(title)
  const wrong = error ?? types.error
  if (wrong)
    return (
      <Page title={title}>
        <Trouble
          error={wrong}
          again={() => {
            void refetch()
            void types.refetch()
          }}
        />
        <Link href="/triggers" className="button">
          {t('triggers.allTriggers')}
        </Link>
      </Page>
    )
  if (!data || !types.data)
    return (
      <Page title={title}>
        <Waiting what={t('triggers.trigger')} />
      </Page>
    )
  return <Known trigger={data} type={type} title={title} />
}

const LISTS: Record<string, string> = { time: '/schedules', webhook: '/webhooks' }

function Known({ trigger: one, type, title }: { trigger: Trigger; type: TriggerType | undefined; title: string }) {
  const [, go] = useLocation()
  const [tab] = useAsked('tab')
  const [dropping, setDropping] = useState(false)
  const [round, setRound] = useState(0)
  const target = useTargets().get(one.flow_id)
  const mayChange = useMay('trigger:update')
  const mayDelete = useMay('trigger:delete')
  const mayRun = useMay('flow:execute')
  const mayStart = useMay('flow:update')
  const onFlow = target?.href === `/flows/${one.flow_id}`
  const place = placeOf(one.mode, one.id)
  const list = LISTS[one.mode] ?? '/triggers'
  const further =
    one.mode === 'time'
      ? { id: 'history', word: t('schedules.history') }
      : one.mode === 'webhook'
        ? { id: 'calls', word: t('webhooks.calls') }
        : { id: 'duplicates', word: t('triggers.duplicates') }
  const tabs = [
    { href: place, word: t('triggers.settings') },
    { href: `${place}?tab=${further.id}`, word: further.word },
  ]
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div className="card-top">
          <Tile icon={type?.icon ?? ''} kind="trigger" title={type?.title ?? '?'} />
          <div>
            <h1 className="with-state">
              {title}
              <Standing trigger={one} />
            </h1>
            <p className="soft">
              {t('triggers.starts')}{' '}
              <Link href={target?.href ?? `/flows/${one.flow_id}`}>{target?.name ?? t('triggers.flow')}</Link>
              {type && ` · ${type.title}`}
            </p>
          </div>
        </div>
        <div className="row">
          {mayRun && one.mode === 'time' && (
            <button type="button" className="button" onClick={() => runNow(one.id)}>
              <Zap size={15} aria-hidden="true" />
              {t('triggers.run')}
            </button>
          )}
          {mayChange && (
            <button type="button" className="button" onClick={() => turn(one, title)}>
              {one.is_active ? <Pause size={15} aria-hidden="true" /> : <Play size={15} aria-hidden="true" />}
              {one.is_active ? t('triggers.pause') : t('triggers.resume')}
            </button>
          )}
          {mayDelete && !one.node_id && (
            <button type="button" className="button" onClick={() => setDropping(true)}>
              <Trash2 size={15} aria-hidden="true" />
              {t('triggers.delete')}
            </button>
          )}
        </div>
      </header>
      {one.error && (
        <div className="notice" data-tone="error" role="alert">
          {one.error}
        </div>
      )}
      {!one.error && one.is_active && !one.armed && (
        <div className="notice notice-act">
          <span className="grow">{t('triggers.flowOff')}</span>
          {mayStart && onFlow ? (
            <button type="button" className="button primary" onClick={() => activate(one.flow_id)}>
              <Power size={15} aria-hidden="true" />
              {t('triggers.activate')}
            </button>
          ) : (
            <Link href={target?.href ?? `/flows/${one.flow_id}`}>{t('triggers.openFlow')}</Link>
          )}
        </div>
      )}
      <LinkTabs
        label={t('triggers.partsOfOne')}
        tabs={tabs}
        at={tab === further.id ? `${place}?tab=${further.id}` : place}
      />
      {tab === 'history' && one.mode === 'time' ? (
        <History id={one.id} />
      ) : tab === 'calls' && one.mode === 'webhook' ? (
        <Calls id={one.id} />
      ) : tab === 'duplicates' ? (
        <Duplicates id={one.id} />
      ) : !type ? (
        <Empty title={t('triggers.notInstalled', { id: one.trigger_type })} text={t('triggers.notInstalled.why')} />
      ) : (
        <TriggerForm key={round} type={type} stored={one} onSaved={() => setRound(round + 1)} onCancel={() => go(list)}>
          {one.mode === 'webhook' ? <AddressCard id={one.id} /> : <Where trigger={one} />}
        </TriggerForm>
      )}
      {dropping && <DropTrigger id={one.id} title={title} onClose={() => setDropping(false)} onGone={() => go(list)} />}
    </main>
  )
}
