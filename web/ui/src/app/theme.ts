// Light, dark, or as the system says; kept in this browser.
import { create } from 'zustand'

export type Theme = 'system' | 'light' | 'dark'
const KEY = 'headrace.theme'
const stored = localStorage.getItem(KEY)
export const useTheme = create<{ theme: Theme }>(() => ({ theme: stored === 'light' || stored === 'dark' ? stored : 'system' }))
const apply = (theme: Theme) => { document.documentElement.dataset.theme = theme }
apply(useTheme.getState().theme)

export const isDark = (theme: Theme) => theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
export function setTheme(theme: Theme) {
  localStorage.setItem(KEY, theme)
  useTheme.setState({ theme })
  apply(theme)
}
export const toggle = () => setTheme(isDark(useTheme.getState().theme) ? 'light' : 'dark')
