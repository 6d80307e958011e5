// Words between backticks as code, in texts of one line.
export const coded = (text: string) => text.split('`').map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part))
