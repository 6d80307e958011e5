// Every word that a page says, by area and language: `t('app.open', { n: 3 })` reads `open` of `text/en/app.json`.
type Words = Record<string, string>
type Values = Record<string, string | number>

const LANGUAGES = import.meta.glob<Record<string, Words>>('../text/*.ts', { import: 'default' })
const KEY = 'headrace.language'
const names = () => Object.keys(LANGUAGES).map((path) => path.slice('../text/'.length, -'.ts'.length))

let words: Words = {}
let plural = new Intl.PluralRules('en')
export let language = 'en'

/** The languages that there are, each with its own name. */
export const languages = () =>
  names().map((id) => ({ id, name: new Intl.DisplayNames(id, { type: 'language' }).of(id) ?? id }))

/** Loads the words of the language that was chosen, else of the browser's; before the first page. */
export async function load() {
  const asked = [localStorage.getItem(KEY) ?? '', ...navigator.languages.map((one) => one.slice(0, 2)), 'en']
  language = asked.find((one) => names().includes(one)) ?? 'en'
  document.documentElement.lang = language
  plural = new Intl.PluralRules(language)
  const areas = (await LANGUAGES[`../text/${language}.ts`]?.()) ?? {}
  words = Object.fromEntries(Object.entries(areas).flatMap(([path, area]) => {
    const name = path.slice(path.lastIndexOf('/') + 1, -'.json'.length)
    return Object.entries(area).map(([key, text]) => [`${name}.${key}`, text])
  }))
}

export function choose(id: string) {
  localStorage.setItem(KEY, id)
  location.reload()
}

/** The text of a key, with `{values}` put in; by their number `n`, `key.one` or `key.other`. */
export function t(key: string, values: Values = {}): string {
  const counted = typeof values.n === 'number' ? words[`${key}.${plural.select(values.n)}`] ?? words[`${key}.other`] : undefined
  const text = counted ?? words[key] ?? key
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    return value === undefined ? whole : typeof value === 'number' ? value.toLocaleString(language) : value
  })
}
