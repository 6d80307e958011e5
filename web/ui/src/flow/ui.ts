// What is open in the editor: palette, connect, shortcuts, conflict; and where the palette adds.
import { create } from 'zustand'

export type Place = { inside?: string; from?: { node: string; port: string; kind: 'source' | 'target' }; edge?: string; at?: { x: number; y: number } }
type State = {
  palette: Place | null; connecting: string | null; shortcuts: boolean; conflict: string; dock: string; dockOpen: boolean
  face: 'canvas' | 'outline'; settings: boolean; dropInto: string
}
const SMALL = matchMedia('(max-width: 760px)').matches
export const useUi = create<State>(() => ({
  palette: null, connecting: null, shortcuts: false, conflict: '', dock: 'output', dockOpen: !SMALL,
  face: SMALL ? 'outline' : 'canvas', settings: true, dropInto: '',
}))
export const openPalette = (palette: Place = {}) => useUi.setState({ palette })
