// The files of a bucket, and what can be done with each.
import { Download, Trash2 } from 'lucide-react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import type { FileOut } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { fail, say } from '../../kit/toasts'
import { moment, since } from '../../lib/format'
import { t } from '../../lib/text'
import { sized } from './words'

/** Our own page's address of a signed one: the same server, whatever name it is known by. */
export const near = (url: string) => {
  const { pathname, search } = new URL(url)
  return pathname + search
}

const take = ({ id }: FileOut) =>
  void call('GET /files/{file_id}/download', { path: { file_id: id } })
    .then(({ url }) => {
      location.assign(near(url))
    })
    .catch(fail)

const back = ({ id, name }: FileOut) =>
  void call('POST /files/{file_id}/restore', { path: { file_id: id } })
    .then(async () => {
      await stale('files')
      say(t('files.restored', { name }), 'ok')
    })
    .catch(fail)

const drop = (one: FileOut) =>
  void call('DELETE /files/{file_id}', { path: { file_id: one.id } })
    .then(async () => {
      await stale('files')
      say(t('files.deleted', { name: one.name }), 'ok', { word: t('files.undo'), run: () => back(one) })
    })
    .catch(fail)

export function Rows({ files }: { files: FileOut[] }) {
  const mayDelete = useMay('file:delete')
  return (
    <div className="card table-card" tabIndex={0} role="region" aria-label={t('places.files')}>
      <table className="list stacked">
        <thead>
          <tr>
            <th scope="col">{t('files.name')}</th>
            <th scope="col">{t('files.kind')}</th>
            <th scope="col" data-numeric>
              {t('files.size')}
            </th>
            <th scope="col">{t('files.when')}</th>
            <th scope="col">
              <span className="sr">{t('files.download')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {files.map((one) => {
            const ready = one.status === 'ready'
            return (
              <tr key={one.id}>
                <td>
                  <strong className="file-name">{one.name}</strong>
                  {one.description && <span className="soft list-error">{one.description}</span>}
                </td>
                <td className="soft" data-column={t('files.kind')}>
                  {one.content_type}
                </td>
                <td data-numeric data-column={t('files.size')}>
                  {ready ? sized(one.size_bytes) : '–'}
                </td>
                <td
                  className="soft"
                  data-column={t('files.when')}
                  title={one.uploaded_at ? moment(one.uploaded_at) : undefined}
                >
                  {ready ? since(one.uploaded_at) : t('files.pending')}
                </td>
                <td className="file-acts">
                  {ready && (
                    <button
                      type="button"
                      className="icon-button"
                      aria-label={t('files.downloadOf', { name: one.name })}
                      title={t('files.download')}
                      onClick={() => take(one)}
                    >
                      <Download size={16} />
                    </button>
                  )}
                  {mayDelete && (
                    <button
                      type="button"
                      className="icon-button"
                      aria-label={t('files.deleteOf', { name: one.name })}
                      title={t('files.delete')}
                      onClick={() => drop(one)}
                    >
                      <Trash2 size={16} />
                    </button>
                  )}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}
