// Where the other side sends the browser back to: the window tells the page that waits, and closes.
import { CircleCheck, CircleX } from 'lucide-react'
import { useEffect } from 'react'
import { Link } from 'wouter'
import { useTitle } from '../../app/title'
import { Page } from '../../kit/parts'
import { t } from '../../lib/text'

export const WINDOW = 'headrace-connect'
const CHANNEL = 'headrace.connect'

export type Back = { connected: string; refused: string }

/** Calls when a window comes back from the other side; gives the end of listening. */
export function onReturn(heard: (back: Back) => void): () => void {
  const channel = new BroadcastChannel(CHANNEL)
  channel.onmessage = ({ data }: MessageEvent<Back>) => heard(data)
  return () => channel.close()
}

export function Returned({ back }: { back: Back }) {
  const good = Boolean(back.connected)
  const title = good ? t('connections.returned') : t('connections.returnedNot')
  useTitle(title)
  useEffect(() => {
    const channel = new BroadcastChannel(CHANNEL)
    channel.postMessage(back)
    channel.close()
    window.close()
  }, [back])
  return (
    <Page title={title}>
      <div className="card pane returned" data-tone={good ? 'ok' : 'error'}>
        {good ? <CircleCheck size={26} aria-hidden="true" /> : <CircleX size={26} aria-hidden="true" />}
        <p>{good ? t('connections.returned.why') : t('connections.returnedNot.why', { code: back.refused })}</p>
        <Link href={good ? `/connections/${back.connected}` : '/connections'} className="button">
          {good ? t('connections.open') : t('connections.allConnections')}
        </Link>
      </div>
    </Page>
  )
}
