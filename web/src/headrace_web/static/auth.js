// Sign in and set up: send the form, go on, or say what is wrong. Needs no build.
const form = document.querySelector('form')
const notice = document.querySelector('.notice')
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  notice.hidden = true
  const button = form.querySelector('button')
  button.disabled = true
  try {
    const body = Object.fromEntries(new FormData(form))
    const answer = await fetch(form.dataset.action, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    if (answer.ok) return location.assign('/')
    const json = await answer.json()
    notice.textContent = json.error.message
  } catch {
    notice.textContent = 'headrace does not answer; is it running?'
  } finally {
    button.disabled = false
  }
  notice.hidden = false
})
