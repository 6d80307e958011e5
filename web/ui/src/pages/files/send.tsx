// Uploads under way: announced first, then sent to the signed address, with progress, as `fetch` tells none.
import { useRef, useState } from 'react'
import { X } from 'lucide-react'
import { call } from '../../api/call'
import { stale } from '../../api/mine'
import { fail, say } from '../../kit/toasts'
import { percent } from '../../lib/format'
import { t } from '../../lib/text'
import { near } from './rows'

type Bucket = 'files' | 'frames' | 'backups' | 'templates' | 'reports'
type Sending = { id: number; name: string; share: number; stop: () => void }

/** Sends a content; `stop` breaks it off. */
function put(url: string, file: File, onShare: (share: number) => void): { done: Promise<void>; stop: () => void } {
  const sent = new XMLHttpRequest()
  const done = new Promise<void>((resolve, reject) => {
    sent.upload.onprogress = ({ loaded, total }) => onShare(total ? loaded / total : 0)
    sent.onload = () => {
      if (sent.status < 300) {
        resolve()
        return
      }
      const said = JSON.parse(sent.responseText || '{}') as { error?: { message?: string } }
      reject(new Error(said.error?.message ?? t('app.answered', { status: sent.status })))
    }
    sent.onerror = () => reject(new Error(t('files.broken', { name: file.name })))
    sent.onabort = () => reject(new DOMException('', 'AbortError'))
  })
  sent.open('PUT', near(url))
  sent.send(file)
  return { done, stop: () => sent.abort() }
}

export function useSendings(bucket: Bucket) {
  const [sendings, set] = useState<Sending[]>([])
  const last = useRef(0)
  const one = async (file: File) => {
    const id = ++last.current
    const change = (part: Partial<Sending>) =>
      set((now) => now.map((each) => (each.id === id ? { ...each, ...part } : each)))
    set((now) => [...now, { id, name: file.name, share: 0, stop: () => undefined }])
    try {
      const made = await call('POST /files', { body: { bucket, name: file.name, size_bytes: file.size } })
      const { done, stop } = put(made.upload.url, file, (share) => change({ share }))
      change({ stop })
      try {
        await done
        say(t('files.sent', { name: file.name }), 'ok')
      } catch (error) {
        await call('DELETE /files/{file_id}', { path: { file_id: made.id } }).catch(() => undefined)
        throw error
      }
    } catch (error) {
      if (!(error instanceof DOMException)) fail(error)
    } finally {
      set((now) => now.filter((each) => each.id !== id))
      await stale('files')
    }
  }
  return {
    sendings,
    send: (files: File[]) => {
      for (const file of files) void one(file)
    },
  }
}

export function Sendings({ sendings }: { sendings: Sending[] }) {
  if (!sendings.length) return null
  return (
    <ul className="card section lines" aria-label={t('files.uploads')}>
      {sendings.map(({ id, name, share, stop }) => {
        const word = t('files.sending', { name, share: percent(share) })
        return (
          <li key={id}>
            <span className="line-text">
              <span>{word}</span>
              <progress value={share} aria-label={word} />
            </span>
            <button type="button" className="icon-button" aria-label={t('files.stop', { name })} onClick={stop}>
              <X size={16} />
            </button>
          </li>
        )
      })}
    </ul>
  )
}
