// The forms of the entrance: send one, go on, or say what is wrong. Needs no build.
const form = document.querySelector('form')
const notice = document.querySelector('.notice')
const ways = document.querySelector('.ways')
const words = JSON.parse(form.dataset.words)
const t = (text, name = '') => (words[text] ?? text).replace('{name}', name)
const { then, done, token: where } = form.dataset
let { action } = form.dataset
const token = { query: new URLSearchParams(location.search).get('token'), hash: location.hash.slice(1) }[where]
if (token) history.replaceState(null, '', location.pathname)
const next = new URLSearchParams(location.search).get('next')
const inside = next && /^\/[^/\\]/.test(next) ? next : ''

const theme = localStorage.getItem('headrace.theme')
if (theme) document.documentElement.dataset.theme = theme

const say = (text, tone = '') => { notice.textContent = t(text); notice.dataset.tone = tone; notice.hidden = false }

/** The second factor is asked for once the password is right; name and password stay in the form, out of sight. */
function ask() {
  const input = form.querySelector('input[disabled]')
  if (!input) return
  for (const label of form.querySelectorAll('label')) label.hidden = true
  for (const part of document.querySelectorAll('.ways, .out')) part.hidden = true
  input.disabled = false
  input.required = true
  input.parentElement.hidden = false
  input.focus()
}

/** The name and the password are those of a directory from here on. */
function askDirectory(way) {
  const name = form.querySelector('[autocomplete=username]')
  name.type = 'text'
  name.name = 'username'
  name.parentElement.firstChild.data = t('User name ({name})', way.title)
  action = way.action
  name.focus()
}

/** A link to a provider, or a button for a directory. */
function shown(way) {
  const one = document.createElement(way.kind === 'form' ? 'button' : 'a')
  one.textContent = t('Sign in with {name}', way.title)
  if (way.kind === 'form') {
    one.type = 'button'
    one.addEventListener('click', () => askDirectory(way))
  } else one.href = inside ? `${way.action}?next=${encodeURIComponent(inside)}` : way.action
  return one
}

/** Other ways to sign in: of the installation, of the organization in the address, of an e-mail domain. */
async function offer() {
  const domain = /@[^@\s]+$/.exec(form.elements.email?.value ?? '')?.[0] ?? ''
  const organization = new URLSearchParams(location.search).get('organization') ?? ''
  const answer = await fetch(`/api/v1/auth/providers?${new URLSearchParams({ email: domain, organization })}`)
  if (!answer.ok) return
  const others = (await answer.json()).data.providers.filter((way) => way.kind !== 'password')
  ways.replaceChildren(...others.map(shown))
  ways.hidden = !others.length
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  notice.hidden = true
  const button = form.querySelector('button')
  button.disabled = true
  try {
    const body = { ...Object.fromEntries(new FormData(form)), ...(token ? { token } : {}) }
    const answer = await fetch(action, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    if (answer.ok && then) return location.assign(then === '/' ? inside || then : then)
    if (answer.ok) return say(done, 'ok')
    const { error } = await answer.json()
    if (error.code === 'SECOND_FACTOR_REQUIRED') {
      ask()
      return say('Your password is right. Open your authenticator app, or take a recovery code.', 'info')
    }
    say(error.message)
  } catch {
    say('headrace does not answer; is it running?')
  } finally {
    button.disabled = false
  }
})
if (where && !token) say('The link is not complete; open it again as it was sent.')
if (ways) {
  const refused = new URLSearchParams(location.search).get('refused')
  if (refused) {
    say({
      sign_in_refused: 'The provider did not let you in, or the sign-in took too long; try again or ask an admin.',
      rate_limited: 'Too many attempts; wait a few minutes and try again.',
      unavailable: 'The provider does not answer; try again in a moment.',
    }[refused] ?? 'One does not sign in this way now; choose another way or ask an admin.')
  }
  offer().catch(() => {})
  form.elements.email.addEventListener('change', () => offer().catch(() => {}))
}
