// The rarer acts on one thing, behind three dots.
import { Menu } from '@base-ui/react/menu'
import { Ellipsis } from 'lucide-react'

export type Act = { word: string; run: () => void; off?: boolean }

export function MoreMenu({ label, acts }: { label: string; acts: Act[] }) {
  if (!acts.length) return <span className="more-none" />
  return (
    <Menu.Root>
      <Menu.Trigger className="icon-button" aria-label={label}>
        <Ellipsis size={17} aria-hidden="true" />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className="above-all" sideOffset={4} align="end">
          <Menu.Popup className="menu">
            {acts.map(({ word, run, off }) => (
              <Menu.Item key={word} disabled={off} onClick={run}>
                {word}
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}
