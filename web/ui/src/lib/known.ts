// Words for what plugins may add to: where there is no text for it, its own name.
const KEY = /^\w+(\.\w+)+$/

/** `said` is what `t` made of a key that was put together; a key without a text comes back as it is. */
export const known = (said: string, name: string) => (KEY.test(said) ? name.replaceAll('_', ' ') : said)
