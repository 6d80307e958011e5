"""From the set-up link to rows on the screen, as somebody does it who has just installed headrace."""

from __future__ import annotations

from playwright.sync_api import Page, expect

OBSERVE = """() => {
  window.seenStates = []
  const look = () => {
    const state = document.querySelector('.dock .badge')?.dataset.state
    if (state && state !== window.seenStates.at(-1)) window.seenStates.push(state)
  }
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true })
}"""


def test_the_set_up_link_works_once(open_page, stack, account):
    page: Page = open_page(storage_state=None)
    page.expected.append("the server responded with a status of 4")
    page.goto(stack.setup)
    page.get_by_label("Your name").fill("Eve")
    page.get_by_label("E-mail").fill("eve@example.org")
    page.get_by_label("Password").fill("another long password 9")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_have_text("the set-up link is not valid; start headrace again for a new one")


def test_sign_in_refuses_with_a_sentence_and_then_lets_in(open_page, account):
    page: Page = open_page(storage_state=None)
    page.expected.append("the server responded with a status of 401")
    page.goto("/executions")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("password")
    page.get_by_label("Password").fill("correct horse battery staple 9")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def test_the_demo_is_edited_saved_run_and_its_rows_are_seen(page: Page, api, run):
    page.goto("/flows")
    page.get_by_role("link", name="Flights", exact=True).click()
    expect(page.get_by_role("heading", name="Flights", level=1)).to_be_visible()
    flow = api.demo()

    page.get_by_test_id("step-arrived").click()
    settings = page.get_by_role("complementary", name="Settings of Arrived flights")
    settings.get_by_role("textbox", name="Condition").fill("arr_delay IS NOT NULL AND month = 1")
    expect(page.get_by_text("Unsaved")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    stored = {node["id"]: node["data"] for node in api("GET", f"/flows/{flow}/data")["nodes"]}
    assert stored["arrived"]["config"] == {"where": "arr_delay IS NOT NULL AND month = 1"}

    page.evaluate(OBSERVE)
    run(page)
    results = page.get_by_role("region", name="Results")
    expect(page.get_by_test_id("step-arrived")).to_contain_text("26,398 rows")
    assert page.evaluate("window.seenStates.slice(-2)") == ["running", "completed"], "states arrive while it runs"
    for name in ("flights", "with_weather", "ordered"):
        expect(page.get_by_test_id(f"step-{name}")).to_have_attribute("data-status", "completed")
    expect(page.get_by_test_id("step-flights")).to_contain_text("336,776 rows")

    page.get_by_test_id("step-airlines").click()
    rows = results.get_by_role("region", name="Rows of Airlines")
    expect(rows.get_by_role("columnheader")).to_have_text(["carrier text", "name text"])
    expect(rows.get_by_role("row")).to_have_count(17)
    expect(rows).to_contain_text("Endeavor Air Inc.")
    results.get_by_role("tab", name="Timeline").click()
    expect(results.get_by_role("listitem").filter(has_text="Airline names")).to_be_visible()


def test_an_execution_has_a_page_of_its_own(page: Page, api):
    flow = api.demo()
    ran = api("POST", f"/flows/{flow}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60})
    page.goto("/executions")
    page.get_by_role("row").filter(has_text="Flights").get_by_role("link").first.click()
    expect(page.locator(".page-head .badge")).to_have_text("Succeeded")
    assert page.url.endswith(ran["id"])
    steps = page.get_by_role("list", name="Steps")
    expect(steps.get_by_role("listitem")).to_have_count(15)
    steps.get_by_role("button", name="Airports").click()
    expect(page.get_by_role("region", name="Rows of Airports")).to_contain_text("Lansdowne Airport")
    page.get_by_role("link", name="Open the flow").click()
    expect(page.get_by_test_id("step-airports")).to_be_visible()


def test_a_failed_step_says_why(page: Page, api, steps, run):
    source = steps("source", "local_files.read", 0, connection="Flight data", stream="airlines.csv")
    flow = api.flow(
        "Fails",
        [source, steps("wrong", "transform.filter", 280, where="nothing_like_it = 1")],
        [("source.out", "wrong.in")],
    )
    page.goto(f"/flows/{flow}")
    run(page, state="failed")
    results = page.get_by_role("region", name="Results")
    page.get_by_test_id("step-wrong").click()
    expect(results.get_by_role("alert")).to_contain_text("nothing_like_it")
