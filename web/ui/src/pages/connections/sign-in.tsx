// Connecting by a person (OAuth 2): away in a window of its own, and back; or a code to type in there.
import { useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, ExternalLink, Unplug } from 'lucide-react'
import { useEffect, useState } from 'react'
import { call } from '../../api/call'
import { client } from '../../api/queries'
import type { ConnectBegun } from '../../api/types.gen'
import { useMay } from '../../app/me'
import { fail, say } from '../../kit/toasts'
import { moment } from '../../lib/format'
import { t } from '../../lib/text'
import { WINDOW, onReturn } from './return'

const SIZE = 'popup,width=620,height=760'

export function SignIn({ id }: { id: string }) {
  const key = ['connection', id, 'oauth']
  const { data } = useQuery({
    queryKey: key,
    queryFn: () => call('GET /connections/{connection_id}/oauth', { path: { connection_id: id } }),
    staleTime: 0,
  })
  const may = useMay('connection:update')
  const [waiting, setWaiting] = useState(false)
  const [device, setDevice] = useState<ConnectBegun | null>(null)
  const again = () =>
    Promise.all([client.invalidateQueries({ queryKey: key }), client.invalidateQueries({ queryKey: ['connections'] })])
  useEffect(
    () =>
      onReturn((back) => {
        setWaiting(false)
        if (back.connected && back.connected !== id) return
        if (back.connected) say(t('connections.signedIn'), 'ok')
        else say(t('connections.refused'), 'error')
        void again()
      }),
    [id],
  ) // eslint-disable-line
  useEffect(() => {
    if (!device) return
    const timer = setInterval(
      () =>
        void call('POST /connections/{connection_id}/oauth/check', {
          path: { connection_id: id },
          body: { state: device.state },
        })
          .then((now) => {
            if (!now.connected) return
            setDevice(null)
            say(t('connections.signedIn'), 'ok')
            void again()
          })
          .catch((error: unknown) => {
            setDevice(null)
            fail(error)
          }),
      Math.max(1, device.every_s) * 1_000,
    )
    return () => clearInterval(timer)
  }, [device, id]) // eslint-disable-line
  if (!data?.needed) return null
  const start = async () => {
    const opened = window.open('', WINDOW, SIZE)
    try {
      const begun = await call('POST /connections/{connection_id}/oauth/start', { path: { connection_id: id } })
      if (begun.user_code) {
        opened?.close()
        return setDevice(begun)
      }
      setWaiting(true)
      if (opened) opened.location.replace(begun.location)
      else location.assign(begun.location)
    } catch (error) {
      opened?.close()
      fail(error)
    }
  }
  const end = () =>
    void call('DELETE /connections/{connection_id}/oauth', { path: { connection_id: id } })
      .then(() => {
        say(t('connections.signedOut'), 'ok')
        return again()
      })
      .catch(fail)
  const over = !data.connected && Boolean(data.problem)
  return (
    <section className="card pane" aria-label={t('connections.signIn')}>
      <h2 className="test-head">
        {t('connections.signIn')}
        <span className="badge" data-tone={data.connected ? 'ok' : over ? 'error' : 'idle'}>
          {data.connected ? <CircleCheck size={13} aria-hidden="true" /> : <CircleAlert size={13} aria-hidden="true" />}
          {data.connected ? t('connections.connected') : over ? t('connections.over') : t('connections.notConnected')}
        </span>
      </h2>
      {data.problem && (
        <p className="field-error" role="alert">
          {data.problem}
        </p>
      )}
      {data.connected ? (
        <p className="soft">{data.connected_at && t('connections.since', { when: moment(data.connected_at) })}</p>
      ) : (
        !device && <p className="soft">{t('connections.signIn.why')}</p>
      )}
      {device && (
        <p>
          {t('connections.device')}{' '}
          <a href={device.location} target="_blank" rel="noreferrer noopener">
            {device.location}
          </a>
          <strong className="user-code">{device.user_code}</strong>
        </p>
      )}
      {waiting && (
        <p className="soft" role="status">
          {t('connections.waiting')}
        </p>
      )}
      {may && (
        <div className="row">
          <button type="button" className={data.connected ? 'button' : 'button primary'} onClick={() => void start()}>
            <ExternalLink size={15} aria-hidden="true" />
            {data.connected ? t('connections.again') : t('connections.connect')}
          </button>
          {data.connected && (
            <button type="button" className="button" onClick={end}>
              <Unplug size={15} aria-hidden="true" />
              {t('connections.disconnect')}
            </button>
          )}
        </div>
      )}
    </section>
  )
}
