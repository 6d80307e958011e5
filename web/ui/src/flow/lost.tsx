// What was not saved when the browser ended: brought back or thrown away, by whoever wrote it.
import { History, Trash2 } from 'lucide-react'
import { useEffect, useState } from 'react'
import { since } from '../lib/format'
import { t } from '../lib/text'
import { dropCopy, lostCopy } from './copies'
import type { Copy } from './copies'
import { unpacked } from './draft'
import type { Draft, Kept } from './draft'
import { useDoc } from './store'

export function Lost({ flowId, bring }: { flowId: string; bring: (draft: Draft) => void }) {
  const [found, setFound] = useState<Copy<Kept> | null>(null)
  const dirty = useDoc((state) => state.dirty)
  useEffect(() => {
    let over = false
    void lostCopy<Kept>(flowId).then((copy) => {
      if (!over) setFound(copy)
    })
    return () => {
      over = true
    }
  }, [flowId])
  if (!found || dirty) return null
  const done = () => {
    dropCopy(flowId, found.tab)
    setFound(null)
  }
  return (
    <section className="notice lost" data-tone="warn" aria-label={t('flow.lost')}>
      <p>
        <b>{t('flow.lost')}</b> {t('flow.lost.why', { when: since(new Date(found.at).toISOString()) })}
      </p>
      <span className="row">
        <button
          type="button"
          className="button primary"
          onClick={() => {
            bring(unpacked(found.kept))
            done()
          }}
        >
          <History size={14} aria-hidden="true" />
          {t('flow.lost.bring')}
        </button>
        <button type="button" className="button" onClick={done}>
          <Trash2 size={14} aria-hidden="true" />
          {t('flow.lost.drop')}
        </button>
      </span>
    </section>
  )
}
