// Letters of the last 30 days; where no mail server sends them, an admin hands their links over.
import { useQuery } from '@tanstack/react-query'
import { Mail, MailOpen } from 'lucide-react'
import { useState } from 'react'
import { call, listed } from '../../api/call'
import { stale } from '../../api/mine'
import type { LetterText } from '../../api/types.gen'
import { Dialog } from '../../kit/dialog'
import { Once } from '../../kit/once'
import { Empty, Pages, Trouble, Waiting } from '../../kit/parts'
import { Section } from '../../kit/section'
import { fail } from '../../kit/toasts'
import { moment, since } from '../../lib/format'
import { t } from '../../lib/text'

const TONES: Record<string, string> = { sent: 'ok', failed: 'error', pending: 'wait' }

export function Letters() {
  const [page, setPage] = useState(1)
  const [opened, setOpened] = useState<LetterText | null>(null)
  const { data, error, refetch } = useQuery({
    queryKey: ['letters', page],
    queryFn: () => listed('GET /system/letters', { query: { page, per_page: 25 } }),
  })
  const open = (id: string) =>
    void call('POST /system/letters/{letter_id}/open', { path: { letter_id: id } })
      .then((text) => {
        setOpened(text)
        stale('letters')
      })
      .catch(fail)
  return (
    <Section title={t('system.letters')} text={t('system.letters.text')}>
      {error ? (
        <Trouble error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what={t('system.letters')} />
      ) : data.data.length === 0 ? (
        <Empty title={t('system.noLetters')} text={t('system.noLetters.text')} />
      ) : (
        <ul className="lines">
          {data.data.map((one) => (
            <li key={one.id}>
              <span className="line-icon">
                {one.used_at ? <MailOpen size={17} aria-hidden="true" /> : <Mail size={17} aria-hidden="true" />}
              </span>
              <span className="line-text">
                <strong>{one.recipient}</strong>
                <span className="soft" title={moment(one.created_at)}>
                  {t(`system.letter.${one.kind}`)} · {since(one.created_at)}
                  {one.error && ` · ${one.error}`}
                </span>
              </span>
              <span className="badge" data-tone={one.used_at ? 'ok' : TONES[one.status]}>
                {one.used_at ? t('system.used') : t(`system.status.${one.status}`)}
              </span>
              {!one.used_at && one.status !== 'void' && (
                <button
                  type="button"
                  className="button"
                  aria-label={t('system.openOf', { who: one.recipient })}
                  onClick={() => open(one.id)}
                >
                  {t('system.openLetter')}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <Pages page={page} total={data?.pagination?.total_pages ?? 1} onChange={setPage} />
      {opened && (
        <Dialog
          title={opened.subject}
          text={t('system.opened', { who: opened.recipient })}
          onClose={() => setOpened(null)}
        >
          {opened.link && <Once label={t('members.link')} text={opened.link} />}
          <pre className="letter">{opened.text}</pre>
        </Dialog>
      )}
    </Section>
  )
}
