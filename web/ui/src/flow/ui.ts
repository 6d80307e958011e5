// What is open in the editor: palette, connect, find, menu, shortcuts, conflict; and where the palette adds.
import { create } from 'zustand'

export type Place = {
  inside?: string
  from?: { node: string; port: string; kind: 'source' | 'target' }
  edge?: string
  at?: { x: number; y: number }
}
type State = {
  palette: Place | null
  connecting: string | null
  finding: boolean
  shortcuts: boolean
  versioning: boolean
  conflict: boolean
  dock: string
  dockOpen: boolean
  face: 'canvas' | 'outline'
  settings: boolean
  dropInto: string
  /** A step's menu, or that of the canvas, at a point of the page. */
  menu: { of: 'step' | 'canvas'; x: number; y: number } | null
  /** The step whose rows are being written by hand. */
  rowsOf: string
  /** The type of step that is dragged from the palette. */
  ghost: { type: string; x: number; y: number } | null
}
const SMALL = matchMedia('(max-width: 760px)').matches
export const useUi = create<State>(() => ({
  palette: null,
  connecting: null,
  finding: false,
  shortcuts: false,
  versioning: false,
  conflict: false,
  dock: 'output',
  dockOpen: !SMALL,
  face: SMALL ? 'outline' : 'canvas',
  settings: true,
  dropInto: '',
  menu: null,
  rowsOf: '',
  ghost: null,
}))
export const openPalette = (palette: Place = {}) => useUi.setState({ palette })

/** Whether something lies over the editor that keys belong to. */
export const covered = () => {
  const { palette, connecting, finding, shortcuts, versioning, conflict, menu, rowsOf } = useUi.getState()
  return Boolean(palette || connecting || finding || shortcuts || versioning || conflict || menu || rowsOf)
}
