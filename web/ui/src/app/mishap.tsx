// A page that breaks, or whose files have gone with an update, says so; the frame around it stays.
import { Component } from 'react'
import type { ReactNode } from 'react'
import { Page, Trouble } from '../kit/parts'
import { t } from '../lib/text'

type Props = { at: string; children: ReactNode }

export class Mishap extends Component<Props, { error?: Error | undefined }> {
  override state: { error?: Error | undefined } = {}
  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : Error(String(error)) }
  }
  override componentDidUpdate(before: Props) {
    if (this.state.error && before.at !== this.props.at) this.setState({ error: undefined })
  }
  override render() {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <Page title={t('app.broken')}>
        <Trouble error={Error(t('app.broken.why', { what: error.message }))} again={() => location.reload()} />
      </Page>
    )
  }
}
