// Installed packages: what each gives, which do not work and why, and a switch each.
import { useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, CircleSlash, Puzzle } from 'lucide-react'
import { useState } from 'react'
import { call } from '../../api/call'
import { stale, useMine, useSwitches } from '../../api/mine'
import type { PluginOut } from '../../api/types.gen'
import { useTitle } from '../../app/title'
import { Dialog } from '../../kit/dialog'
import { Segments } from '../../kit/fields'
import { Empty, Page, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { Toggle } from '../../kit/section'
import { fail, say } from '../../kit/toasts'
import { known } from '../../lib/known'
import { t } from '../../lib/text'
import { useWorkers } from '../workers/read'
import '../../styles/admin.css'
import '../../styles/platform.css'

const AT_FIRST = 30
const isBroken = (one: PluginOut) => !['enabled', 'disabled'].includes(one.state)

export default function Plugins() {
  useTitle(t('platform.plugins'))
  useSwitches(['plugins', 'node-types', 'connectors', 'editions', 'features'])
  const { data: me } = useMine()
  const [q, setQ] = useState('')
  const [kind, setKind] = useState('')
  const [all, setAll] = useState(false)
  const [open, setOpen] = useState('')
  const { data, error, refetch } = useQuery({ queryKey: ['plugins'], queryFn: () => call('GET /plugins') })
  const kinds = [...new Set(data?.map((one) => one.kind))].sort()
  const broken = data?.filter(isBroken).length ?? 0
  const found = data
    ?.filter(
      (one) =>
        (!kind || (kind === 'broken' ? isBroken(one) : kind === 'off' ? one.state === 'disabled' : one.kind === kind))
        && `${one.id} ${one.distribution} ${Object.values(one.provides).flat().join(' ')}`
          .toLowerCase()
          .includes(q.toLowerCase()),
    )
    .sort(
      (a, b) =>
        Number(isBroken(b)) - Number(isBroken(a))
        || Number(b.state === 'disabled') - Number(a.state === 'disabled')
        || a.id.localeCompare(b.id),
    )
  const may = me?.permissions.includes('plugin:manage') ?? false
  const turn = (one: PluginOut, enabled: boolean) =>
    void call('PATCH /plugins/{name}', { path: { name: one.name }, body: { enabled } })
      .then(async () => {
        await stale('plugins', 'node-types', 'connectors', 'features', 'editions', 'me')
        say(t(enabled ? 'platform.turnedOn' : 'platform.turnedOff', { name: one.distribution }), 'ok')
      })
      .catch(fail)
  const shown = all || q ? found : found?.slice(0, AT_FIRST)
  const one = data?.find(({ name }) => name === open)
  return (
    <Page title={t('platform.plugins')} text={data ? t('platform.plugins.text', { n: data.length }) : ''}>
      {may && <Lagging />}
      <div className="filters">
        <Segments
          hidden
          label={t('platform.kind')}
          value={kind}
          onChange={setKind}
          choices={[
            { value: '', word: t('platform.all') },
            ...kinds.map((value) => ({ value, word: known(t(`platform.kind.${value}`), value) })),
            { value: 'off', word: t('platform.state.disabled') },
            ...(broken ? [{ value: 'broken', word: t('platform.broken', { n: broken }) }] : []),
          ]}
        />
        <SearchBox label={t('platform.searchPlugins')} value={q} onChange={setQ} />
      </div>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !shown || !found ? (
        <Waiting what={t('platform.plugins')} />
      ) : found.length === 0 ? (
        <Empty title={t('platform.noPlugin')} text={t('platform.noPlugin.text')} />
      ) : (
        <div className="card section">
          <ul className="lines">
            {shown.map((each) => (
              <Line
                key={each.name}
                one={each}
                may={may}
                onOpen={() => setOpen(each.name)}
                onTurn={(on) => turn(each, on)}
              />
            ))}
          </ul>
          {shown.length < found.length && (
            <button type="button" className="button all" onClick={() => setAll(true)}>
              {t('platform.showAll', { n: found.length })}
            </button>
          )}
        </div>
      )}
      {one && <Detail one={one} onClose={() => setOpen('')} />}
    </Page>
  )
}

const toneOf = (one: PluginOut) => (isBroken(one) ? 'error' : one.state === 'disabled' ? 'idle' : 'ok')

function Standing({ one }: { one: PluginOut }) {
  const tone = toneOf(one)
  const Icon = tone === 'ok' ? CircleCheck : tone === 'idle' ? CircleSlash : CircleAlert
  return (
    <span className="badge" data-tone={tone}>
      <Icon size={14} aria-hidden="true" />
      {t(`platform.state.${isBroken(one) ? 'failed' : one.state}`)}
    </span>
  )
}

const given = (one: PluginOut) =>
  Object.entries(one.provides)
    .filter(([, ids]) => ids.length)
    .map(
      ([what, ids]) =>
        `${known(t(`platform.gives.${what}`), what)}: ${ids.slice(0, 4).join(', ')}${ids.length > 4 ? ` +${ids.length - 4}` : ''}`,
    )
    .join(' · ')

function Line({
  one,
  may,
  onOpen,
  onTurn,
}: {
  one: PluginOut
  may: boolean
  onOpen: () => void
  onTurn: (on: boolean) => void
}) {
  return (
    <li>
      <span className="line-icon" data-tone={isBroken(one) ? 'error' : undefined}>
        <Puzzle size={17} aria-hidden="true" />
      </span>
      <span className="line-text">
        <button type="button" className="cell-link" onClick={onOpen}>
          {one.id} <span className="soft version">{one.version}</span>
        </button>
        <span className="soft">{one.reason || given(one) || one.distribution}</span>
      </span>
      <Standing one={one} />
      {may && (
        <Toggle
          label={t('platform.switchOf', { name: one.id })}
          on={one.state !== 'disabled'}
          disabled={isBroken(one)}
          onTurn={onTurn}
        />
      )}
    </li>
  )
}

function Detail({ one, onClose }: { one: PluginOut; onClose: () => void }) {
  return (
    <Dialog title={one.id} text={`${one.distribution} ${one.version}`} size="large" onClose={onClose}>
      <p className="standing-line">
        <Standing one={one} />
        <span className="soft">{t('platform.loaded', { ms: one.load_ms })}</span>
      </p>
      {one.reason && (
        <div className="notice" data-tone="error">
          {one.reason}
        </div>
      )}
      <dl className="gives">
        {Object.entries(one.provides)
          .filter(([, ids]) => ids.length)
          .map(([what, ids]) => (
            <div key={what}>
              <dt>{known(t(`platform.gives.${what}`), what)}</dt>
              <dd>
                {ids.map((id) => (
                  <code key={id}>{id}</code>
                ))}
              </dd>
            </div>
          ))}
      </dl>
      {one.trace && (
        <>
          <h3>{t('platform.trace')}</h3>
          <pre className="trace" tabIndex={0}>
            {one.trace}
          </pre>
        </>
      )}
    </Dialog>
  )
}

/** Workers that were started with other plugins than the newest one. */
function Lagging() {
  const { data } = useWorkers()
  const alive = data?.filter((one) => one.is_alive) ?? []
  const newest = alive.at(-1)?.plugin_set_hash
  const behind = alive.filter((one) => one.plugin_set_hash !== newest)
  if (!behind.length) return null
  return (
    <div className="notice" role="status">
      <strong>{t('platform.lag', { n: behind.length })}</strong>
      <span>
        {behind.map((one) => `${one.hostname} (${one.pid})`).join(', ')} – {t('platform.lag.text')}
      </span>
    </div>
  )
}
