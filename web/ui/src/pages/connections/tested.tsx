// What a test of a connection found: each check, the time it took, the real error and what to do about it.
import { CircleCheck, CircleDashed, CircleX, LoaderCircle } from 'lucide-react'
import type { Tested } from '../../api/types'
import { since, took } from '../../lib/format'
import { t } from '../../lib/text'

const named = (name: string) => {
  const text = t(`connections.check.${name}`)
  return text.startsWith('connections.') ? name : text
}

export function TestCard({
  tested,
  at,
  busy,
  children,
}: {
  tested: Tested | null
  at: string | null
  busy: boolean
  children?: React.ReactNode
}) {
  const tone = busy || !tested ? 'idle' : tested.ok ? 'ok' : 'error'
  return (
    <section className="card pane test-result" data-tone={tone} aria-label={t('connections.test')}>
      <div role="status">
        <h2 className="test-head">
          {busy ? (
            <LoaderCircle size={17} className="spin" aria-hidden="true" />
          ) : !tested ? (
            <CircleDashed size={17} aria-hidden="true" />
          ) : tested.ok ? (
            <CircleCheck size={17} aria-hidden="true" />
          ) : (
            <CircleX size={17} aria-hidden="true" />
          )}
          {busy
            ? t('connections.testing')
            : !tested
              ? t('connections.untested')
              : tested.ok
                ? t('connections.works')
                : t('connections.worksNot')}
          {tested && !busy && <span className="soft">{took(tested.ms)}</span>}
        </h2>
        {tested && !busy && (
          <>
            <ul className="checks">
              {tested.checks.map((one) => (
                <li key={one.name} data-ok={one.ok}>
                  {one.ok ? (
                    <CircleCheck size={14} role="img" aria-label={t('connections.passed')} />
                  ) : (
                    <CircleX size={14} role="img" aria-label={t('connections.failed')} />
                  )}
                  <span>
                    <b>{named(one.name)}</b>
                    {one.detail && <span className="check-detail">{one.detail}</span>}
                  </span>
                </li>
              ))}
            </ul>
            {tested.hint && <p className="check-hint">{tested.hint}</p>}
          </>
        )}
      </div>
      {!tested && !busy && <p className="soft">{t('connections.untested.why')}</p>}
      {at && !busy && <p className="soft">{t('connections.testedAt', { when: since(at) })}</p>}
      {children}
    </section>
  )
}
