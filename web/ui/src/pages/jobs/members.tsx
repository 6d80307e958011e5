// Which flows a job has, and what each waits for; which jobs a package has, in their order.
import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { t } from '../../lib/text'

export type Draft = { flow_id: string; depends_on: string[] }
type Props = { members: Draft[]; names: Map<string, string>; ordered: boolean; onChange: (members: Draft[]) => void }

export function Members({ members, names, ordered, onChange }: Props) {
  const left = [...names].filter(([id]) => !members.some((one) => one.flow_id === id))
  const take = (id: string) =>
    onChange(
      members
        .filter((one) => one.flow_id !== id)
        .map((one) => ({ ...one, depends_on: one.depends_on.filter((other) => other !== id) })),
    )
  const wait = (id: string, other: string) =>
    onChange(
      members.map((one) =>
        one.flow_id !== id
          ? one
          : {
              ...one,
              depends_on: one.depends_on.includes(other)
                ? one.depends_on.filter((known) => known !== other)
                : [...one.depends_on, other],
            },
      ),
    )
  const move = (at: number, by: number) => {
    const next = [...members]
    const [one] = next.splice(at, 1)
    if (one) next.splice(at + by, 0, one)
    onChange(next)
  }
  const name = (id: string) => names.get(id) ?? t('jobs.gone')
  return (
    <>
      <ul className="job-members">
        {members.map((one, at) => (
          <li key={one.flow_id}>
            <span className="row">
              <b>{name(one.flow_id)}</b>
              {ordered && (
                <>
                  <button
                    type="button"
                    className="icon-button"
                    disabled={at === 0}
                    aria-label={t('jobs.earlier', { name: name(one.flow_id) })}
                    onClick={() => move(at, -1)}
                  >
                    <ArrowUp size={15} />
                  </button>
                  <button
                    type="button"
                    className="icon-button"
                    disabled={at === members.length - 1}
                    aria-label={t('jobs.later', { name: name(one.flow_id) })}
                    onClick={() => move(at, 1)}
                  >
                    <ArrowDown size={15} />
                  </button>
                </>
              )}
              <button
                type="button"
                className="icon-button"
                aria-label={t('jobs.takeOut', { name: name(one.flow_id) })}
                onClick={() => take(one.flow_id)}
              >
                <X size={15} />
              </button>
            </span>
            {!ordered && members.length > 1 && (
              <span className="job-waits" role="group" aria-label={t('jobs.waitsOf', { name: name(one.flow_id) })}>
                <span className="soft">{t('jobs.after')}</span>
                {members
                  .filter((other) => other.flow_id !== one.flow_id)
                  .map((other) => (
                    <label key={other.flow_id} className="job-wait">
                      <input
                        type="checkbox"
                        checked={one.depends_on.includes(other.flow_id)}
                        onChange={() => wait(one.flow_id, other.flow_id)}
                      />
                      <span className="badge">{name(other.flow_id)}</span>
                    </label>
                  ))}
              </span>
            )}
          </li>
        ))}
      </ul>
      <select
        aria-label={ordered ? t('jobs.addJob') : t('jobs.addFlow')}
        className="job-add"
        value=""
        disabled={!left.length}
        onChange={({ target }) => target.value && onChange([...members, { flow_id: target.value, depends_on: [] }])}
      >
        <option value="">{ordered ? t('jobs.addJob') : t('jobs.addFlow')}</option>
        {left.map(([id, said]) => (
          <option key={id} value={id}>
            {said}
          </option>
        ))}
      </select>
    </>
  )
}
