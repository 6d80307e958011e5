// Every word that a page says, by area and language: `t('app.open', { n: 3 })` reads `open` of `text/en/start/app.json`.
// What the frame and the start page say is in `start/` and comes first; other pages wait for the rest.
type Words = Record<string, string>
type Values = Record<string, string | number>

const START = import.meta.glob<Record<string, Words>>(['../text/*.ts', '!../text/*.rest.ts'], { import: 'default' })
const REST = import.meta.glob<Record<string, Words>>('../text/*.rest.ts', { import: 'default' })
const KEY = 'headrace.language'
const names = () => Object.keys(START).map((path) => path.slice('../text/'.length, -'.ts'.length))

const words: Words = {}
let plural = new Intl.PluralRules('en')
let numbers = new Intl.NumberFormat('en') // kept: to make one takes longer than all the rest of a text
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
  numbers = new Intl.NumberFormat(language)
  await add(START[`../text/${language}.ts`])
}

let others: Promise<void> | undefined
/** The words of all pages but the first; loaded once. */
export const rest = () => (others ??= add(REST[`../text/${language}.rest.ts`]))

async function add(areas: (() => Promise<Record<string, Words>>) | undefined) {
  for (const [path, area] of Object.entries((await areas?.()) ?? {})) {
    const name = path.slice(path.lastIndexOf('/') + 1, -'.json'.length)
    for (const [key, text] of Object.entries(area)) words[`${name}.${key}`] = text
  }
}

export function choose(id: string) {
  localStorage.setItem(KEY, id)
  location.reload()
}

/** The text of a key, with `{values}` put in; by their number `n`, `key.one` or `key.other`. */
export function t(key: string, values: Values = {}): string {
  const counted =
    typeof values.n === 'number' ? (words[`${key}.${plural.select(values.n)}`] ?? words[`${key}.other`]) : undefined
  const text = counted ?? words[key] ?? key
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    return value === undefined ? whole : typeof value === 'number' ? numbers.format(value) : value
  })
}
