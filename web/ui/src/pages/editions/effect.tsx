// Who would gain and lose what; shown before a change is saved.
import { ArrowRight, Minus, Plus, TriangleAlert } from 'lucide-react'
import type { LimitMove, Move } from '../../api/types.gen'
import { Trouble, Waiting } from '../../kit/parts'
import { count } from '../../lib/format'
import { t } from '../../lib/text'
import { useFeatures } from './read'

export function Effect({ moves, error }: { moves: Move[] | undefined; error: Error | null }) {
  if (error) return <Trouble error={error} />
  if (!moves) return <Waiting what={t('editions.effect')} />
  return (
    <div className="effect" role="status">
      <h3>{t('editions.effect')}</h3>
      {moves.length === 0 ? (
        <p className="soft">{t('editions.noEffect')}</p>
      ) : (
        <ul>
          {moves.map((move) => (
            <OneMove key={move.organization_id} move={move} />
          ))}
        </ul>
      )}
    </div>
  )
}

function OneMove({ move }: { move: Move }) {
  const features = useFeatures()
  const name = (key: string) => features.data?.find((one) => one.key === key)?.name ?? key
  return (
    <li>
      {move.organization && <strong>{move.organization}</strong>}
      {move.gains.map((key) => (
        <span key={key} data-tone="ok">
          <Plus size={14} role="img" aria-label={t('editions.gains')} />
          {name(key)}
        </span>
      ))}
      {move.loses.map((key) => (
        <span key={key} data-tone="error">
          <Minus size={14} role="img" aria-label={t('editions.loses')} />
          {name(key)}
        </span>
      ))}
      {move.limits.map((one) => (
        <OneLimit key={one.limit} one={one} />
      ))}
    </li>
  )
}

const shown = (value: number) => (value < 0 ? t('editions.noLimit') : count(value))

function OneLimit({ one }: { one: LimitMove }) {
  const over = one.beyond > 0
  return (
    <span data-tone={over ? 'error' : undefined}>
      {over ? <TriangleAlert size={14} aria-hidden="true" /> : <ArrowRight size={14} aria-hidden="true" />}
      {t(`editions.limit.${one.limit}`)}: {shown(one.before)} → {shown(one.after)}
      {over && <b>, {t('editions.beyond', { n: one.beyond })}</b>}
    </span>
  )
}
