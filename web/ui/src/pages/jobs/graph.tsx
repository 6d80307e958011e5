// Members of a job by what they wait for: those that can start at once stand left.
import { t } from '../../lib/text'

export type Member = { id: string; name: string; after: string[] }

const W = 144
const H = 38
const GAP_X = 44
const GAP_Y = 14
const NAME_MAX = 20

/** How many members stand before each; a ring, which the API refuses, ends where it began. */
function levels(members: Member[]): Map<string, number> {
  const found = new Map<string, number>()
  const byId = new Map(members.map((one) => [one.id, one]))
  const level = (id: string, seen: string[]): number => {
    const known = found.get(id)
    if (known !== undefined) return known
    const before = (byId.get(id)?.after ?? []).filter((one) => byId.has(one) && !seen.includes(one))
    const made = before.length ? 1 + Math.max(...before.map((one) => level(one, [...seen, id]))) : 0
    found.set(id, made)
    return made
  }
  members.forEach(({ id }) => level(id, [id]))
  return found
}

export function Graph({ members }: { members: Member[] }) {
  if (!members.length) return <p className="soft">{t('jobs.noMembers')}</p>
  const level = levels(members)
  const columns = Array.from({ length: Math.max(...level.values()) + 1 }, (_, at) =>
    members.filter(({ id }) => level.get(id) === at),
  )
  const tall = Math.max(...columns.map((one) => one.length))
  const width = columns.length * (W + GAP_X) - GAP_X
  const height = tall * (H + GAP_Y) - GAP_Y
  const place = new Map(
    columns.flatMap((column, x) =>
      column.map(
        (one, y) =>
          [
            one.id,
            { x: x * (W + GAP_X), y: (height - (column.length * (H + GAP_Y) - GAP_Y)) / 2 + y * (H + GAP_Y) },
          ] as const,
      ),
    ),
  )
  const wires = members.flatMap((one) =>
    one.after.map((before) => [place.get(before), place.get(one.id), `${before}-${one.id}`] as const),
  )
  const said = members
    .map((one) =>
      one.after.length
        ? t('jobs.waitsFor', {
            name: one.name,
            others: one.after
              .map((id) => members.find((other) => other.id === id)?.name ?? '')
              .filter(Boolean)
              .join(', '),
          })
        : t('jobs.atOnce', { name: one.name }),
    )
    .join('; ')
  return (
    <div className="job-graph" tabIndex={0} role="group" aria-label={t('jobs.order')}>
      <svg
        width={width + 4}
        height={height + 4}
        viewBox={`-2 -2 ${width + 4} ${height + 4}`}
        role="img"
        aria-label={said}
      >
        {wires.map(
          ([from, to, key]) =>
            from
            && to && (
              <path
                key={key}
                className="job-wire"
                d={`M${from.x + W},${from.y + H / 2} C${from.x + W + GAP_X / 2},${from.y + H / 2} ${to.x - GAP_X / 2},${to.y + H / 2} ${to.x},${to.y + H / 2}`}
              />
            ),
        )}
        {members.map((one) => {
          const at = place.get(one.id)
          return (
            at && (
              <g key={one.id} transform={`translate(${at.x},${at.y})`}>
                <rect className="job-box" width={W} height={H} rx="8" />
                <text className="job-name" x={W / 2} y={H / 2 + 4} textAnchor="middle">
                  {one.name.length > NAME_MAX ? `${one.name.slice(0, NAME_MAX - 1)}…` : one.name}
                </text>
                <title>{one.name}</title>
              </g>
            )
          )
        })}
      </svg>
    </div>
  )
}
