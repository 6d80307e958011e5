// Short messages; errors stay until they are closed.
import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { create } from 'zustand'

type Toast = { id: number; tone: 'ok' | 'error' | 'info'; text: string }
const useToasts = create<{ list: Toast[] }>(() => ({ list: [] }))
let last = 0
const close = (id: number) => useToasts.setState(({ list }) => ({ list: list.filter((one) => one.id !== id) }))

export function say(text: string, tone: Toast['tone'] = 'info') {
  const id = ++last
  useToasts.setState(({ list }) => ({ list: [...list.filter((one) => one.text !== text).slice(-3), { id, tone, text }] }))
  if (tone !== 'error') setTimeout(() => close(id), 6_000)
}
export const fail = (error: unknown) => say(error instanceof Error ? error.message : String(error), 'error')

export function Toasts() {
  const list = useToasts((state) => state.list)
  return (
    <div className="toasts" role="status" aria-live="polite">
      {list.map(({ id, tone, text }) => (
        <div key={id} className="toast" data-tone={tone}>
          {tone === 'ok' ? <CircleCheck size={16} aria-hidden="true" /> : <CircleAlert size={16} aria-hidden="true" />}
          <span>{text}</span>
          <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => close(id)}><X size={15} /></button>
        </div>
      ))}
    </div>
  )
}
