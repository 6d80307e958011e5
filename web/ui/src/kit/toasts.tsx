// Short messages, some with an act such as "Undo"; errors stay until they are closed.
import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { create } from 'zustand'
import { t } from '../lib/text'

type Act = { word: string; run: () => void }
type Toast = { id: number; tone: 'ok' | 'error' | 'info'; text: string; act?: Act | undefined }
const useToasts = create<{ list: Toast[] }>(() => ({ list: [] }))
let last = 0
const SHORT_MS = 6_000
const WITH_ACT_MS = 12_000
const close = (id: number) => useToasts.setState(({ list }) => ({ list: list.filter((one) => one.id !== id) }))

export function say(text: string, tone: Toast['tone'] = 'info', act?: Act) {
  const id = ++last
  useToasts.setState(({ list }) => ({
    list: [...list.filter((one) => one.text !== text).slice(-3), { id, tone, text, act }],
  }))
  if (tone !== 'error') setTimeout(() => close(id), act ? WITH_ACT_MS : SHORT_MS)
}
export const fail = (error: unknown) => say(error instanceof Error ? error.message : String(error), 'error')

export function Toasts() {
  const list = useToasts((state) => state.list)
  return (
    <div className="toasts" role="status" aria-live="polite">
      {list.map(({ id, tone, text, act }) => (
        <div key={id} className="toast" data-tone={tone}>
          {tone === 'ok' ? <CircleCheck size={16} aria-hidden="true" /> : <CircleAlert size={16} aria-hidden="true" />}
          <span>{text}</span>
          {act && (
            <button
              type="button"
              className="link toast-act"
              onClick={() => {
                close(id)
                act.run()
              }}
            >
              {act.word}
            </button>
          )}
          <button type="button" className="icon-button" aria-label={t('work.dismiss')} onClick={() => close(id)}>
            <X size={15} />
          </button>
        </div>
      ))}
    </div>
  )
}
