// Light, dark, or as the system says; kept in this browser.
import { create } from 'zustand'

export const THEMES = ['system', 'dark', 'light'] as const
export type Theme = (typeof THEMES)[number]
const KEY = 'headrace.theme'
const stored = THEMES.find((one) => one === localStorage.getItem(KEY))
export const useTheme = create<{ theme: Theme }>(() => ({ theme: stored ?? 'system' }))
const apply = (theme: Theme) => {
  document.documentElement.dataset.theme = theme
}
apply(useTheme.getState().theme)

export function chooseTheme(theme: Theme) {
  localStorage.setItem(KEY, theme)
  useTheme.setState({ theme })
  apply(theme)
}
/** The one after this: system, dark, light, and again. */
export const nextTheme = (theme: Theme): Theme => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system'
