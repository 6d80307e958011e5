// What a machine can see of a page, for `test_every_page.py`: each answers with sentences about what is wrong.
const seen = (el) => el.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })
const told = (why, el) => `${why}: ${el.outerHTML.slice(0, 120)}`

globalThis.looks = {
  /** Text that is cut without saying so, or that leaves its button, its page or the screen. */
  cut() {
    const bad = []
    const main = document.querySelector('main')
    if (main && main.scrollWidth > main.clientWidth + 1) {
      const edge = main.getBoundingClientRect().right + 1
      const wide = [...main.querySelectorAll('*')].find((el) => el.getBoundingClientRect().right > edge)
      bad.push(told(`${main.scrollWidth - main.clientWidth} px too wide`, wide ?? main))
    }
    if (document.documentElement.scrollWidth > innerWidth + 1) bad.push('the window scrolls sideways')
    for (const el of document.querySelectorAll('main *, nav *, [role=dialog] *')) {
      if (![...el.childNodes].some((one) => one.nodeType === 3 && one.data.trim()) || !seen(el)) continue
      const range = document.createRange()
      range.selectNodeContents(el)
      const { width, left, right } = range.getBoundingClientRect()
      if (!width) continue
      let dots = false
      let up = el
      for (; up; up = up.parentElement) {
        const { textOverflow, clipPath, overflowX } = getComputedStyle(up)
        dots ||= textOverflow === 'ellipsis'
        if (clipPath !== 'none' || /auto|scroll/.test(overflowX) || up.matches('.react-flow')) break
        if (!/hidden|clip/.test(overflowX)) continue
        const box = up.getBoundingClientRect()
        if (!dots && box.width && (right > box.right + 1 || left < box.left - 1)) bad.push(told('cut', el))
        break
      }
      if (!up && (right > innerWidth + 1 || left < -1)) bad.push(told('beyond the edge', el))
      if (!dots && el.matches('button, .button, .badge') && el.scrollWidth > el.clientWidth + 1) bad.push(told('out of its box', el))
    }
    return bad
  },

  /** Makes every word 40 % longer, as those of a language may be that is not here yet. */
  longer() {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const text = node.data.trim()
      if (!/\p{L}/u.test(text) || node.parentElement.closest('script, style, code, pre, .react-flow, .grid')) continue
      const more = 'étirés öffnet '.repeat(Math.ceil(text.length / 20)).slice(0, Math.ceil(text.length * 0.4))
      node.data = `${node.data.trimEnd()}${text.includes(' ') ? ' ' : ''}${more}`
    }
  },

  /** What still moves for somebody who wants nothing to. */
  moving() {
    const longest = (text) => Math.max(...text.split(',').map((one) => parseFloat(one)))
    return [...document.querySelectorAll('*')].filter((el) => {
      const { animationName, animationDuration, transitionDuration } = getComputedStyle(el)
      return (animationName !== 'none' && longest(animationDuration) > 0.001) || longest(transitionDuration) > 0.001
    }).map((el) => told('moves', el))
  },

  /** What has no place on a sheet, and what a sheet would lose. */
  onPaper() {
    const bad = [...document.querySelectorAll('.nav, .toasts, .filters')].filter(seen).map((el) => told('printed', el))
    for (const el of [document.documentElement, ...document.querySelectorAll('main')])
      if (/hidden|auto|scroll/.test(getComputedStyle(el).overflowY) && el.scrollHeight > el.clientHeight + 1) bad.push(told('cut at the end of the sheet', el))
    return bad
  },

  /** In forced colours backgrounds are gone: what is chosen needs another sign, what is operated an edge. */
  alike() {
    const look = (el) => {
      const of = getComputedStyle(el)
      return [of.color, of.backgroundColor, of.borderTopColor, of.borderTopStyle, of.borderBottomColor, of.outlineStyle, of.textDecorationLine].join()
    }
    const bad = []
    for (const at of document.querySelectorAll('.nav-places [aria-current], .link-tabs [aria-current], .segmented :checked + span')) {
      const group = at.closest('.nav-places, .link-tabs, .segmented')
      const other = [...group.querySelectorAll(at.localName === 'a' ? 'a' : 'input + span')].find((one) => one !== at && seen(one))
      if (other && look(at) === look(other)) bad.push(told('nothing tells that it is chosen', at))
    }
    for (const el of document.querySelectorAll('[role=switch], .button, main select, main input[type=text], main textarea:not(.code)'))
      if (seen(el) && getComputedStyle(el).borderTopStyle === 'none') bad.push(told('no edge', el))
    return bad
  },
}
