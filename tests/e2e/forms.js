// Fills in a form as a person does, field by field, and reads what stands in it: for `test_every_form.py`.
const settled = () => new Promise((done) => setTimeout(done))
const named = (el) => (el.getAttribute('aria-label') ?? [...(el.labels ?? [])].map((one) => one.innerText).join()).trim()
const controls = (where) => [...document.querySelectorAll(`${where} :is(input, select, textarea)`)]
  .filter((el) => el.checkVisibility() && !el.readOnly && !el.closest('fieldset:disabled') && !el.matches('.rename, .insert'))

function put(el, value) {
  const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(el), 'value')
  set.call(el, value)
  el.dispatchEvent(new Event(el.localName === 'select' ? 'change' : 'input', { bubbles: true }))
}

const NUMBERS = ['3', '1', '10', '100', '0.5', '2000']

globalThis.forms = {
  /** Opens what is folded, adds an item to each empty list, and gives each empty field its example, else something of its kind; how many. */
  async fill(where) {
    const done = new Set()
    for (let turn = 0; turn < 6; turn += 1) {
      for (const folded of document.querySelectorAll(`${where} details:not([open])`)) folded.open = true
      for (const add of document.querySelectorAll(`${where} .rows > .button:last-child`)) if (!done.has(add)) { done.add(add); add.click() }
      await settled()
      const open = controls(where).filter((el) => !done.has(el))
      if (!open.length) break
      for (const el of open) {
        done.add(el)
        if (!el.isConnected || /checkbox|radio/.test(el.type) || el.value && el.value !== '-1') continue
        if (el.closest('.chips')) {
          put(el, 'some_name')
          await settled()
          el.dispatchEvent(new FocusEvent('focusout', { bubbles: true }))
        } else if (el.localName === 'select') {
          const first = [...el.options].find((one) => !one.disabled && one.value && one.value !== '-1')
          if (first) put(el, first.value)
        } else if (el.inputMode === 'numeric' || el.inputMode === 'decimal') {
          for (const number of NUMBERS) {
            put(el, number)
            await settled()
            if (el.getAttribute('aria-invalid') !== 'true') break
          }
        } else put(el, el.type === 'password' ? 'kept to oneself' : /^(true|false|null|none)?$/i.test(el.placeholder) ? 'some text' : el.placeholder)
        await settled()
      }
    }
    return done.size
  },

  /** What stands in each field, in their order; a secret only says that it is there. */
  read(where) {
    for (const folded of document.querySelectorAll(`${where} details:not([open])`)) folded.open = true
    const chips = [...document.querySelectorAll(`${where} .chip`)].map((one) => one.innerText.trim())
    const fields = [...document.querySelectorAll(`${where} :is(input, select, textarea)`)]
      .filter((el) => el.checkVisibility() && !el.matches('.rename, .insert, [type=password]') && !(el.readOnly && el.closest('.row')))
      .map((el) => [named(el), /checkbox|radio/.test(el.type) ? el.checked : el.localName === 'select' ? (el.value && el.selectedOptions[0].text) : el.value])
    return [...fields, ['chips', chips.join()]]
  },
}
