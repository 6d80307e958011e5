"""The whole first hour in one go: a fresh install, a template, a database, an own flow, its mistake, its schedule.

`python -m tests.e2e newcomer` does it alone and prints what it took.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.install import Stack, started
from tests.e2e.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ORDERS = """CREATE TABLE orders AS SELECT n AS id, 'customer ' || n % 7 AS customer, n * 10 AS amount
FROM generate_series(1, 500) AS n"""
CUSTOMERS = 7
RUN_MS = 120_000
TICK_MS = 120_000


@pytest.fixture
def fresh(chromium: str, tmp_path: Path) -> Iterator[Stack]:
    """An install that nobody has entered yet."""
    with started(tmp_path / "home") as stack:
        yield stack


def test_a_newcomer_gets_from_the_link_to_a_schedule(browser: Browser, fresh: Stack, watch, postgres_url, figure):
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(ORDERS)
    with watch(browser, fresh.url) as page:
        person = Person(page)
        with person.chapter("set up"):
            set_up(person, fresh)
        with person.chapter("a template, run, its rows"):
            take_a_template(person)
        with person.chapter("connect PostgreSQL"):
            connect(person, postgres_url)
        with person.chapter("five steps from an empty canvas", by_keyboard=True):
            build(person)
        with person.chapter("run, the mistake, mended, its rows", by_keyboard=True):
            mend(person)
        with person.chapter("schedule, and the next run"):
            schedule(person)
    with psycopg.connect(postgres_url) as database:
        found = database.execute("SELECT count(*), sum(total) FROM per_customer").fetchone()
    assert found is not None
    assert found[0] % CUSTOMERS == 0, "each run writes a row for each customer"
    tell(person, figure)


def tell(person: Person, figure) -> None:
    for one in person.chapters:
        print(f"\n{one.title:<40}{one.clicks:>4} clicks{one.keys:>5} keys{one.seconds:>7.1f} s", end="")
    size = "set up, template, PostgreSQL, five steps by keyboard, mistake mended, schedule, next run"
    for name, title, values in (
        ("clicks", "Clicks of a newcomer, from the link to a scheduled run", [one.clicks for one in person.chapters]),
        ("keys", "Keys of a newcomer, letters of names included", [one.keys for one in person.chapters]),
        ("seconds", "Time of a newcomer who reads nothing twice", [one.seconds for one in person.chapters]),
    ):
        unit = "s" if name == "seconds" else name
        figure(f"browser.newcomer_{name}", [sum(values)], title=title, unit=unit, size=size)


def set_up(person: Person, stack: Stack) -> None:
    page = person.page
    page.goto(stack.setup)
    person.click(page.get_by_label("Your name"))
    person.type("Ada")
    for text in ("ada@example.org", "correct horse battery staple 9"):
        person.press("Tab")
        person.type(text)
    person.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def take_a_template(person: Person) -> None:
    page = person.page
    person.click(page.get_by_role("region", name="First steps").get_by_role("link", name="Choose a template"))
    person.click(page.get_by_role("button", name="Sales by customer"))
    person.click(page.get_by_role("button", name="Use this template"))
    expect(page.locator(".react-flow__node").first).to_be_visible()
    person.click(page.get_by_role("button", name="Run", exact=True))
    expect(page.locator(".dock .badge[data-state]")).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    person.click(page.locator(".react-flow__node").last)
    expect(page.get_by_role("region", name="Rows of").get_by_role("row").nth(1)).to_be_visible()


def connect(person: Person, url: str) -> None:
    page, at = person.page, urlsplit(url)
    person.click(page.get_by_role("navigation", name="Main").get_by_role("link", name="Connections"))
    person.click(page.get_by_role("link", name="New connection").first)
    person.click(page.get_by_role("searchbox", name="Search connectors"))
    person.type("postgres")
    person.click(page.get_by_role("link", name="PostgreSQL", exact=True))
    person.click(page.get_by_label("Host"))
    values = (("Host", at.hostname), ("Port", at.port), ("Database", at.path[1:]), ("User", at.username),
              ("Password", at.password))  # fmt: skip
    for label, value in values:
        if label != "Host":
            person.tab_to(label)
        person.put(str(value))
    person.click(page.get_by_role("button", name="Test", exact=True))
    expect(page.get_by_role("region", name="Test")).to_contain_text("It works")
    person.click(page.get_by_role("button", name="Save"))
    expect(page).to_have_url(re.compile(r"/connections/[0-9a-f-]{36}$"))


def build(person: Person) -> None:
    page = person.page
    person.press("n")
    expect(page.get_by_role("dialog", name="New flow").get_by_label("Name")).to_be_focused()
    person.type("Per customer")
    person.press("Enter")
    expect(page.get_by_role("heading", name="An empty flow")).to_be_visible()
    person.add("/", "postgresql read", "PostgreSQL: read")
    person.fill("Connection", "PostgreSQL")
    person.fill("Stream", "orders")
    person.add("Tab", "filter", "Filter")
    person.fill("Condition", "amout > 1000")
    person.add("Tab", "aggregate", "Aggregate")
    person.open()
    person.tab_to("Add")
    person.press("Enter")
    expect(page.get_by_role("group", name="Aggregates 1").get_by_label("Name")).to_be_focused()
    person.put("total")
    for field, value in (("Function", "sum"), ("Column", "amount"), ("Group by", "customer")):
        person.tab_to(field)
        person.put(value)
    person.leave()
    person.add("Tab", "sort", "Sort")
    person.open()
    person.tab_to("Add")
    person.press("Enter")
    expect(page.get_by_role("group", name="Order 1").get_by_label("Column")).to_be_focused()
    person.put("total")
    person.leave()
    person.add("Tab", "postgresql write", "PostgreSQL: write")
    person.fill("Connection", "PostgreSQL")
    person.fill("Target", "per_customer")
    expect(page.locator(".react-flow__node")).to_have_count(5)
    expect(page.locator(".react-flow__edge")).to_have_count(4)


def mend(person: Person) -> None:
    page = person.page
    person.press("Control+Enter")
    expect(page.locator(".dock .badge[data-state]")).to_have_attribute("data-state", "failed", timeout=RUN_MS)
    message = page.get_by_role("complementary", name="Settings of Filter").get_by_role("alert").first
    if not message.is_visible():  # not the step that the focus is on: F8 goes to what is wrong
        person.press("F8")
    expect(message).to_contain_text("amout")
    meant = re.search(r"did you mean '(\w+)'|there (?:is|are) .*?'(am\w+)'", message.inner_text())
    assert meant, f"the message does not say what to write instead: {message.inner_text()}"
    person.fill("Condition", f"{meant[1] or meant[2]} > 1000")
    person.press("Control+Enter")
    expect(page.locator(".dock .badge[data-state]")).to_have_attribute("data-state", "completed", timeout=RUN_MS)
    person.press("Alt+ArrowRight", "Alt+ArrowRight")
    rows = page.get_by_role("region", name="Rows of Sort")
    expect(rows.get_by_role("row")).to_have_count(CUSTOMERS + 1)
    expect(rows).to_contain_text("customer 3")


def schedule(person: Person) -> None:
    page = person.page
    person.click(page.get_by_role("link", name="Schedule"))
    person.click(page.get_by_role("link", name="Schedule (interval)"))
    person.click(page.get_by_label("Every"))
    person.put("5")
    person.tab_to("Unit")
    person.type("seconds")
    expect(page.get_by_label("Unit").locator("option:checked")).to_have_text("seconds")
    expect(page.locator(".instants li")).to_have_count(10)
    person.click(page.get_by_role("button", name="Save"))
    person.click(page.get_by_role("button", name="Activate the flow"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Active")
    person.click(page.get_by_role("link", name="History"))
    expect(page.get_by_role("link", name="Started").first).to_be_visible(timeout=TICK_MS)
    person.click(page.get_by_role("button", name="Pause"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Paused")
