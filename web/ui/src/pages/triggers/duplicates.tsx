// Events that a trigger took for ones seen before.
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { call } from '../../api/call'
import { Empty, Trouble, Waiting } from '../../kit/parts'
import { moment, since } from '../../lib/format'
import { t } from '../../lib/text'

export function Duplicates({ id }: { id: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['triggers', 'one', id, 'duplicates'],
    queryFn: () => call('GET /triggers/{trigger_id}/duplicates', { path: { trigger_id: id }, query: { per_page: 50 } }),
  })
  if (error) return <Trouble error={error} again={() => void refetch()} />
  if (!data) return <Waiting what={t('triggers.duplicates')} />
  if (!data.length) return <Empty title={t('triggers.noDuplicates')} text={t('triggers.noDuplicates.why')} />
  return (
    <div className="card table-card" tabIndex={0} role="region" aria-label={t('triggers.duplicates')}>
      <table className="list">
        <thead>
          <tr>
            <th scope="col">{t('triggers.when')}</th>
            <th scope="col">{t('triggers.event')}</th>
            <th scope="col">{t('triggers.first')}</th>
          </tr>
        </thead>
        <tbody>
          {data.map((one) => (
            <tr key={one.id}>
              <td>
                <time dateTime={one.created_at} title={moment(one.created_at)}>
                  {since(one.created_at)}
                </time>
              </td>
              <td>
                <code>{one.key}</code>
              </td>
              <td>
                {one.execution_id ? (
                  <Link href={`/executions/${one.execution_id}`}>{t('triggers.execution')}</Link>
                ) : (
                  <span className="soft">{one.origin}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
