// What an execution waits for, and what somebody can do about it here: decide, make an address, or just know until when.
import { Check, Copy, Hourglass, Link2, Timer, UserPlus, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { ApiError, post } from '../api/client'
import { client } from '../api/queries'
import type { Schema, Value, Wait } from '../api/types'
import { useMay, useMe } from '../app/me'
import { SchemaForm } from '../form/form'
import { Dialog } from '../kit/dialog'
import { onClipboard } from '../kit/copy'
import { fail, say } from '../kit/toasts'
import { moment, since, until } from '../lib/format'
import { initial, missing, sent } from '../lib/schema'
import { t } from '../lib/text'
import { refresh } from './run'

/** The questions of a wait, without the one that the two buttons answer. */
function questions(form: Schema): Schema {
  const { approved: _asked, ...properties } = form.properties ?? {}
  return { type: 'object', properties, required: (form.required ?? []).filter((name) => name !== 'approved') }
}

export function changed() {
  void client.invalidateQueries({ queryKey: ['approvals'] })
  refresh()
}

/** An open approval with its form and its buttons. */
export function Decide({ wait, onDone }: { wait: Wait; onDone?: (() => void) | undefined }) {
  const me = useMe()
  const mayDecide = useMay('approval:decide')
  const schema = questions(wait.form)
  const [value, setValue] = useState<Value>(() => (initial(schema) ?? {}) as Value)
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [busy, setBusy] = useState(false)
  const [delegating, setDelegating] = useState(false)
  const mine =
    !wait.assignees.length
    || ['admin', 'owner'].includes(me?.role ?? '')
    || wait.assignees.includes(me?.user.email ?? '')
  const may = mayDecide && mine
  const decide = async (how: 'approve' | 'reject') => {
    const empty = missing(schema, value)
    setErrors(empty)
    if (Object.keys(empty).length) return
    setBusy(true)
    try {
      await post(`/approvals/${wait.id}/${how}`, { answers: sent(schema, value) ?? {} })
      say(
        how === 'approve' ? t('results.approved', { title: wait.title }) : t('results.rejected', { title: wait.title }),
        'ok',
      )
      changed()
      onDone?.()
    } catch (error) {
      if (error instanceof ApiError && error.status < 500 && error.status !== 409) setErrors(error.fields)
      else {
        fail(error)
        changed()
      }
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      className="decide"
      aria-label={t('results.decide', { title: wait.title })}
      onSubmit={(event) => event.preventDefault()}
      autoComplete="off"
    >
      {wait.message && <p className="decide-message">{wait.message}</p>}
      {may ? (
        <>
          {Object.keys(schema.properties ?? {}).length > 0 || errors[''] ? (
            <SchemaForm
              schema={schema}
              value={value}
              onChange={setValue}
              errors={errors}
              readOnly={false}
              scope={wait.id}
            />
          ) : null}
          <footer className="decide-foot">
            <button type="button" className="button primary" disabled={busy} onClick={() => void decide('approve')}>
              <Check size={15} aria-hidden="true" />
              {t('results.approve')}
            </button>
            <button type="button" className="button reject" disabled={busy} onClick={() => void decide('reject')}>
              <X size={15} aria-hidden="true" />
              {t('results.reject')}
            </button>
            <span className="grow" />
            <button type="button" className="button" disabled={busy} onClick={() => setDelegating(true)}>
              <UserPlus size={15} aria-hidden="true" />
              {t('results.delegate')}
            </button>
          </footer>
        </>
      ) : (
        <p className="soft">
          {mine ? t('results.mayNotDecide') : t('results.givenToOthers', { who: wait.assignees.join(', ') })}
        </p>
      )}
      {delegating && <DelegateTo wait={wait} onClose={() => setDelegating(false)} />}
    </form>
  )
}

function DelegateTo({ wait, onClose }: { wait: Wait; onClose: () => void }) {
  const [text, setText] = useState(wait.assignees.join(', '))
  const [wrong, setWrong] = useState('')
  const input = useRef<HTMLInputElement>(null)
  const give = async () => {
    const assignees = text.split(/[\s,;]+/).filter(Boolean)
    const odd = assignees.find((one) => !/^[^@\s]+@[^@\s]+$/.test(one))
    if (odd) return setWrong(t('results.noAddress', { text: odd }))
    try {
      await post(`/approvals/${wait.id}/delegate`, { assignees })
      say(assignees.length ? t('results.given', { who: assignees.join(', ') }) : t('results.givenToAll'), 'ok')
      changed()
      onClose()
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <Dialog title={t('results.delegateTitle')} text={t('results.delegateText')} onClose={onClose} focus={input}>
      <div className="field">
        <label htmlFor="delegate-to">{t('results.addresses')}</label>
        <input
          id="delegate-to"
          ref={input}
          value={text}
          aria-invalid={Boolean(wrong) || undefined}
          aria-describedby="delegate-wrong"
          onChange={({ target }) => {
            setText(target.value)
            setWrong('')
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') {
              event.preventDefault()
              void give()
            }
          }}
        />
        <div id="delegate-wrong">
          {wrong && (
            <p className="field-error" role="alert">
              {wrong}
            </p>
          )}
        </div>
      </div>
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {t('results.cancel')}
        </button>
        <button type="button" className="button primary" onClick={() => void give()}>
          {t('results.delegateTitle')}
        </button>
      </footer>
    </Dialog>
  )
}

/** The address that lets a waiting step go on; it is shown once, a new one makes it void. */
function Address({ wait }: { wait: Wait }) {
  const may = useMay('flow:execute')
  const [url, setUrl] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const copy = async (text: string) => {
    field.current?.select()
    const done = await onClipboard(text)
    say(t(done ? 'results.addressCopied' : 'results.addressCopy'), done ? 'ok' : 'info')
  }
  const make = async () => {
    try {
      const made = await post<{ url: string }>(`/waits/${wait.id}/address`)
      setUrl(made.url)
      requestAnimationFrame(() => void copy(made.url))
    } catch (error) {
      fail(error)
      changed()
    }
  }
  if (!may) return <p className="soft">{t('results.goesOnWhenCalled')}</p>
  return (
    <div className="address">
      {url && (
        <input
          ref={field}
          readOnly
          aria-label={t('results.address')}
          value={url}
          onFocus={({ target }) => target.select()}
        />
      )}
      {url && (
        <button type="button" className="button primary" onClick={() => void copy(url)}>
          <Copy size={14} aria-hidden="true" />
          {t('results.copy')}
        </button>
      )}
      <button type="button" className={url ? 'button' : 'button primary'} onClick={() => void make()}>
        <Link2 size={15} aria-hidden="true" />
        {t(url ? 'results.makeAnother' : 'results.makeAddress')}
      </button>
      <p className="help">{t(url ? 'results.addressHelp' : 'results.addressOnce')}</p>
    </div>
  )
}

const Deadline = ({ at }: { at: string | null }) =>
  at ? (
    <span className="soft" title={moment(at)}>
      {t('results.until', { time: until(at) })}
    </span>
  ) : (
    <span className="soft">{t('results.withoutEnd')}</span>
  )

/** An open wait of an execution. */
export function WaitCard({ wait, name }: { wait: Wait; name: string }) {
  const approval = wait.kind === 'approval'
  return (
    <section
      className="card wait-card"
      aria-label={t('results.waitsFor', { name: wait.title || name })}
      data-testid={`wait-${wait.node_id}`}
    >
      <header>
        <span className="wait-icon" aria-hidden="true">
          {approval ? <Hourglass size={16} /> : <Link2 size={16} />}
        </span>
        <div>
          <h2>{wait.title || name}</h2>
          <p className="soft">
            {t(approval ? 'results.waitsDecision' : 'results.waitsCall', { name, when: since(wait.created_at) })}{' '}
            <Deadline at={wait.deadline_at} />
          </p>
        </div>
      </header>
      {approval ? <Decide wait={wait} /> : <Address wait={wait} />}
    </section>
  )
}

export function TimerCard({ name, at }: { name: string; at: string }) {
  return (
    <section className="card wait-card" aria-label={t('results.waitsFor', { name })}>
      <header>
        <span className="wait-icon" aria-hidden="true">
          <Timer size={16} />
        </span>
        <div>
          <h2>{name}</h2>
          <p className="soft">{t('results.goesOnAt', { when: moment(at) })}</p>
        </div>
      </header>
    </section>
  )
}
