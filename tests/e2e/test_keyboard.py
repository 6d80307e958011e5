"""The focus is seen, walks through every page and out again, stays in a dialog, and comes back from it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import found, go, kind

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
MOST = 60
AT = """() => {
  const el = document.activeElement
  if (!el || el === document.body) return null
  const ring = (one, part) => getComputedStyle(one, part).outlineStyle !== 'none'
  const shown = (one) => one && (ring(one) || ring(one, '::after') || getComputedStyle(one).boxShadow !== 'none')
  const place = el.getBoundingClientRect()
  const marked = shown(el) || shown(el.nextElementSibling) || shown(el.closest('.search, label')) || el.matches('.skip')
  window.walked ??= new Map()
  if (!window.walked.has(el)) window.walked.set(el, window.walked.size)
  return { number: window.walked.get(el), html: el.outerHTML.slice(0, 110), marked: Boolean(marked), width: place.width,
    inside: Boolean(el.closest('[role=dialog]')) }
}"""


def test_the_focus_is_seen_and_walks_through_every_page(page: Page) -> None:
    wrong: list[str] = []
    seen: set[str] = set()
    for at in found(page, "wide"):
        if kind(at) in seen:
            continue
        seen.add(kind(at))
        go(page, at)
        page.evaluate("document.activeElement?.blur()")
        last = -1
        for _ in range(MOST):
            page.keyboard.press("Tab")
            here = page.evaluate(AT)
            if here is None:
                break
            if here["number"] == last:
                wrong.append(f"{at}: Tab stays at {here['html']}")
                break
            if not here["marked"] or not here["width"]:
                wrong.append(f"{at}: the focus is not seen at {here['html']}")
            if here["number"] < last:
                break
            last = here["number"]
        assert last > 10, f"{at}: Tab reached {last + 1} places"
    assert wrong == []


SETTLED = "() => !document.activeElement?.matches('[data-base-ui-focus-guard]')"
"""What stands before and behind a dialog hands the focus on, which takes a moment."""


@pytest.mark.parametrize(
    ("place", "opener"),
    [
        ("/members", "Invite"),
        ("/members/groups", "New group"),
        ("/settings/workspaces", "New workspace"),
        ("/profile/keys", "New key"),
        ("/flows", "New flow"),
        ("/backfills", "New backfill"),
        ("/workers", "Pause reports"),
    ],
)
def test_a_dialog_keeps_the_focus_and_gives_it_back(page: Page, place: str, opener: str) -> None:
    page.goto(place)
    button = page.get_by_role("main").get_by_role("button", name=opener, exact=True).first
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    for _ in range(15):
        page.keyboard.press("Tab")
        page.wait_for_function(SETTLED)
        here = page.evaluate(AT)
        assert here is None or here["inside"], f"the focus left the dialog for {here['html']}"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(button).to_be_focused()


def test_the_browser_refuses_what_the_policy_forbids(page: Page) -> None:
    page.expected.extend(["policy", "Policy", "eval", "TrustedScript", "TrustedHTML"])  # type: ignore[attr-defined]
    page.goto("/dashboard")
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    ran = page.evaluate("""async () => {
      await new Promise((done) => setTimeout(done, 50))  // what the browser's own protocol runs may evaluate text
      const tried = []
      const put = (tag, set) => new Promise((done) => {
        const el = document.createElement(tag)
        el.onload = el.onerror = () => done()
        try { set(el); document.body.append(el) } catch { done() }
        setTimeout(done, 500)
      })
      try { window.eval('window.byEval = 1'); } catch { tried.push('eval') }
      await put('script', (el) => { el.append('window.byInline = 1') })
      await put('script', (el) => { el.src = 'https://example.org/x.js' })
      await put('img', (el) => { el.setAttribute('onerror', 'window.byHandler = 1'); el.src = '/nothing.png' })
      try { document.body.insertAdjacentHTML('beforeend', '<b id="injected">x</b>') } catch { tried.push('html') }
      return { tried, ran: ['byEval', 'byInline', 'byHandler'].filter((name) => name in window), injected: Boolean(document.getElementById('injected')) }
    }""")  # noqa: E501
    assert ran == {"tried": ["eval", "html"], "ran": [], "injected": False}
