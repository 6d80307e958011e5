// The parts of what starts flows by itself, each with its address.
import { useMe } from '../../app/me'
import { LinkTabs } from '../../kit/link-tabs'
import { t } from '../../lib/text'

/** `at` is the address of the part that is open. */
export function StartTabs({ at }: { at: string }) {
  const may = useMe()?.permissions ?? []
  const tabs = [
    { href: '/triggers', word: t('triggers.triggers'), needs: 'trigger:read' },
    { href: '/schedules', word: t('schedules.schedules'), needs: 'schedule:read' },
    { href: '/calendars', word: t('schedules.calendars'), needs: 'schedule:read' },
    { href: '/backfills', word: t('schedules.backfills'), needs: 'schedule:read' },
    { href: '/webhooks', word: t('webhooks.webhooks'), needs: 'webhook:read' },
    { href: '/event-subscriptions', word: t('webhooks.subscriptions'), needs: 'webhook:read' },
  ].filter(({ needs }) => may.includes(needs))
  return <LinkTabs label={t('triggers.parts')} tabs={tabs} at={at} />
}
