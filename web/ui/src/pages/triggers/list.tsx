// Triggers of all flows: what starts them, when next, what came of it last.
import { Pause, Play, Plus, Trash2, Zap } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { useAllTriggers, useTargets } from '../../api/starts'
import type { Target } from '../../api/starts'
import { useTriggerTypes } from '../../api/triggers'
import type { Trigger, TriggerType } from '../../api/triggers'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { useAsked } from '../../kit/address'
import { Empty, Page, Pages, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { Tile } from '../../kit/tile'
import { moment, since, until } from '../../lib/format'
import { t } from '../../lib/text'
import '../../styles/sources.css'
import { runNow, turn } from './acts'
import { DropTrigger } from './drop'
import { Standing, standOf } from './standing'
import { StartTabs } from './tabs'

const STANDS = ['', 'active', 'paused', 'flow', 'trouble']
const PER_PAGE = 50

export default function Triggers() {
  useTitle(t('triggers.triggers'))
  const [q, setQ] = useAsked('q', 'page')
  const [stand, setStand] = useAsked('state', 'page')
  const [kind, setKind] = useAsked('type', 'page')
  const [at, setAt] = useAsked('page')
  const [dropping, setDropping] = useState<Trigger | null>(null)
  const may = useMay('trigger:create')
  const { data, error, refetch } = useAllTriggers()
  const types = useTriggerTypes()
  const targets = useTargets()
  const kinds = new Map(types.data?.map((one) => [one.id, one]))
  const title = (one: Trigger) => one.name || (kinds.get(one.trigger_type)?.title ?? one.trigger_type)
  const add = may && (
    <Link href="/triggers/new" className="button primary">
      <Plus size={16} aria-hidden="true" />
      {t('triggers.new')}
    </Link>
  )
  const wrong = error ?? types.error
  const shown =
    data?.filter(
      (one) =>
        (!stand || standOf(one) === stand)
        && (!kind || one.trigger_type === kind)
        && `${title(one)} ${one.trigger_type} ${targets.get(one.flow_id)?.name ?? ''}`
          .toLowerCase()
          .includes(q.toLowerCase()),
    ) ?? []
  const used = [...new Set(data?.map((one) => one.trigger_type))].sort()
  const page = Number(at) || 1
  return (
    <Page title={t('triggers.triggers')} text={t('triggers.text')} actions={add}>
      <StartTabs at="/triggers" />
      {wrong ? (
        <Trouble
          error={wrong}
          again={() => {
            void refetch()
            void types.refetch()
          }}
        />
      ) : !data || !types.data ? (
        <Waiting what={t('triggers.triggers')} />
      ) : data.length === 0 ? (
        <Empty title={t('triggers.none')} text={t('triggers.none.why')}>
          {add}
        </Empty>
      ) : (
        <>
          <div className="filters sources-filters">
            <SearchBox label={t('triggers.search')} value={q} onChange={setQ} />
            <div className="segmented" role="radiogroup" aria-label={t('triggers.state')}>
              {STANDS.map((one) => (
                <label key={one}>
                  <input type="radio" name="state" checked={stand === one} onChange={() => setStand(one)} />
                  <span>{one ? t(`triggers.stand.${one}`) : t('triggers.all')}</span>
                </label>
              ))}
            </div>
            <label className="row">
              <span className="soft">{t('triggers.kind')}</span>
              <select value={kind} onChange={({ target }) => setKind(target.value)}>
                <option value="">{t('triggers.any')}</option>
                {used.map((one) => (
                  <option key={one} value={one}>
                    {kinds.get(one)?.title ?? one}
                  </option>
                ))}
              </select>
            </label>
          </div>
          {shown.length === 0 ? (
            <Empty title={t('triggers.noMatch')} text={t('triggers.noMatch.why')}>
              <button
                type="button"
                className="button"
                onClick={() => {
                  setQ('')
                  setStand('')
                  setKind('')
                }}
              >
                {t('triggers.clear')}
              </button>
            </Empty>
          ) : (
            <div className="card table-card" tabIndex={0} role="region" aria-label={t('triggers.triggers')}>
              <table className="list stacked">
                <thead>
                  <tr>
                    <th scope="col">{t('triggers.trigger')}</th>
                    <th scope="col">{t('triggers.state')}</th>
                    <th scope="col">{t('triggers.flow')}</th>
                    <th scope="col">{t('triggers.next')}</th>
                    <th scope="col">{t('triggers.last')}</th>
                    <th scope="col">
                      <span className="sr">{t('triggers.acts')}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {shown.slice((page - 1) * PER_PAGE, page * PER_PAGE).map((one) => (
                    <Row
                      key={one.id}
                      trigger={one}
                      title={title(one)}
                      type={kinds.get(one.trigger_type)}
                      target={targets.get(one.flow_id)}
                      onDrop={() => setDropping(one)}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )}
          <Pages
            page={page}
            total={Math.ceil(shown.length / PER_PAGE)}
            onChange={(to) => setAt(to > 1 ? String(to) : '')}
          />
        </>
      )}
      {dropping && <DropTrigger id={dropping.id} title={title(dropping)} onClose={() => setDropping(null)} />}
    </Page>
  )
}

type RowProps = {
  trigger: Trigger
  title: string
  type: TriggerType | undefined
  target: Target | undefined
  onDrop: () => void
}

function Row({ trigger: one, title, type, target, onDrop }: RowProps) {
  const mayChange = useMay('trigger:update')
  const mayDelete = useMay('trigger:delete')
  const mayRun = useMay('flow:execute')
  return (
    <tr>
      <td>
        <span className="row named">
          <Tile icon={type?.icon ?? ''} kind="trigger" title={type?.title ?? '?'} small />
          <span>
            <Link href={`/triggers/${one.id}`}>{title}</Link>
            {type ? (
              one.name && <span className="soft list-error">{type.title}</span>
            ) : (
              <span className="soft list-error">{t('triggers.notInstalled', { id: one.trigger_type })}</span>
            )}
          </span>
        </span>
      </td>
      <td>
        <Standing trigger={one} />
        {one.error && (
          <span className="soft list-error" title={one.error}>
            {one.error}
          </span>
        )}
      </td>
      <td data-column={t('triggers.flow')}>
        <Link href={target?.href ?? `/flows/${one.flow_id}`}>{target?.name ?? t('triggers.flow')}</Link>
      </td>
      <td data-column={t('triggers.next')}>
        {one.armed && one.next_fire_at ? (
          <time dateTime={one.next_fire_at} title={moment(one.next_fire_at)}>
            {until(one.next_fire_at)}
          </time>
        ) : (
          <span className="soft">–</span>
        )}
      </td>
      <td data-column={t('triggers.last')}>
        {one.last_fired_at ? (
          one.last_execution_id ? (
            <Link href={`/executions/${one.last_execution_id}`}>{since(one.last_fired_at)}</Link>
          ) : (
            since(one.last_fired_at)
          )
        ) : (
          <span className="soft">{t('triggers.never')}</span>
        )}
      </td>
      <td>
        <span className="row list-acts">
          {one.mode === 'time' && mayRun && (
            <button
              type="button"
              className="icon-button"
              aria-label={t('triggers.runNamed', { title })}
              title={t('triggers.run')}
              onClick={() => runNow(one.id)}
            >
              <Zap size={15} />
            </button>
          )}
          {mayChange && (
            <button
              type="button"
              className="icon-button"
              aria-label={one.is_active ? t('triggers.pauseNamed', { title }) : t('triggers.resumeNamed', { title })}
              title={one.is_active ? t('triggers.pause') : t('triggers.resume')}
              onClick={() => turn(one, title)}
            >
              {one.is_active ? <Pause size={15} /> : <Play size={15} />}
            </button>
          )}
          {mayDelete && !one.node_id && (
            <button
              type="button"
              className="icon-button"
              aria-label={t('triggers.deleteNamed', { title })}
              title={t('triggers.delete')}
              onClick={onDrop}
            >
              <Trash2 size={15} />
            </button>
          )}
        </span>
      </td>
    </tr>
  )
}
