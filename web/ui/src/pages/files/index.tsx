// Files by bucket: sent, found, taken and deleted; what is deleted comes back with one press.
import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { Upload } from 'lucide-react'
import { call, listed } from '../../api/call'
import type { BucketOut } from '../../api/types.gen'
import { useAddress } from '../../app/address'
import { useMay } from '../../app/me'
import { useTitle } from '../../app/title'
import { LinkTabs } from '../../kit/link-tabs'
import { Empty, Page, Pages, SearchBox, Trouble, Waiting } from '../../kit/parts'
import { t } from '../../lib/text'
import '../../styles/admin.css'
import '../../styles/files.css'
import { Rows } from './rows'
import { Sendings, useSendings } from './send'
import { sized } from './words'

export default function Files() {
  useTitle(t('places.files'))
  const { get } = useAddress()
  const { data, error, refetch } = useQuery({
    queryKey: ['files', 'buckets'],
    queryFn: () => call('GET /files/buckets'),
  })
  const here = data?.find(({ bucket }) => bucket === get('bucket')) ?? data?.[0]
  const tabs =
    data?.map(({ bucket, files }) => ({
      href: `/files?bucket=${bucket}`,
      word: t(`files.bucket.${bucket}`),
      count: files,
    })) ?? []
  return (
    <Page title={t('places.files')} text={t('files.text')}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !here ? (
        <Waiting what={t('places.files')} />
      ) : (
        <>
          <LinkTabs label={t('files.buckets')} tabs={tabs} at={`/files?bucket=${here.bucket}`} />
          <Bucket key={here.bucket} bucket={here} />
        </>
      )}
    </Page>
  )
}

function Bucket({ bucket }: { bucket: BucketOut }) {
  const { get, set } = useAddress()
  const [over, setOver] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const may = useMay('file:create')
  const { sendings, send } = useSendings(bucket.bucket as 'files')
  const page = Number(get('page')) || 1
  const q = get('q')
  const { data, error, refetch } = useQuery({
    queryKey: ['files', bucket.bucket, q, page],
    queryFn: () => listed('GET /files', { query: { bucket: bucket.bucket as 'files', q, page, per_page: 50 } }),
    placeholderData: (before) => before,
  })
  const kept = bucket.days > 0 ? t('files.keptDays', { n: bucket.days }) : t('files.kept')
  const pick = () => input.current?.click()
  const add = may && (
    <button type="button" className="button primary" onClick={pick}>
      <Upload size={16} aria-hidden="true" />
      {t('files.upload')}
    </button>
  )
  return (
    <div
      className="files-drop"
      data-over={over || undefined}
      onDragOver={(event) => {
        if (may) {
          event.preventDefault()
          setOver(true)
        }
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        if (may) send([...event.dataTransfer.files])
      }}
    >
      <div className="row list-head">
        <p className="soft grow">
          {t(`files.about.${bucket.bucket}`)} {kept}
        </p>
        <SearchBox label={t('files.find')} value={q} onChange={(text) => set({ q: text })} />
        {add}
        <input
          ref={input}
          type="file"
          multiple
          hidden
          accept={bucket.kinds.map((kind) => `.${kind}`).join()}
          onChange={({ target }) => {
            send([...(target.files ?? [])])
            target.value = ''
          }}
        />
      </div>
      <Sendings sendings={sendings} />
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('places.files')} />
      ) : data.data.length === 0 && q ? (
        <Empty title={t('files.none')} text={t('files.none.text')} />
      ) : data.data.length === 0 ? (
        <Empty title={t('files.empty')} text={may ? t('files.drop') : t('files.empty.text')} />
      ) : (
        <Rows files={data.data} />
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={(next) => set({ page: next })} />
      {may && (
        <p className="help">{t('files.takes', { kinds: bucket.kinds.join(', '), size: sized(bucket.file_bytes) })}</p>
      )}
    </div>
  )
}
