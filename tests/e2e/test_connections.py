"""From the gallery to a stored connection: a test says in a sentence what is wrong."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = pytest.mark.slow


def choose(page: Page, search: str, title: str) -> Locator:
    page.goto("/connections")
    page.get_by_role("link", name="New connection").click()
    page.get_by_role("searchbox", name="Search connectors").fill(search)
    page.get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", name=f"New {title} connection")).to_be_visible()
    return page.get_by_role("main")


def test_postgresql_is_chosen_tested_and_refused_with_its_sentence(page: Page):
    form = choose(page, "postgres", "PostgreSQL")
    form.get_by_role("button", name="Test", exact=True).click()
    expect(form.get_by_label("Host")).to_have_accessible_description("Fill this in.")
    expect(form.get_by_label("Host")).to_be_focused()
    for label, text in (("Host", "127.0.0.1"), ("Port", "1"), ("Database", "db"), ("User", "me"), ("Password", "hush")):
        form.get_by_label(label).fill(text)
    form.get_by_role("button", name="Test", exact=True).click()
    card = form.get_by_role("region", name="Test")
    expect(card).to_contain_text("It does not work yet")
    expect(card).to_contain_text("127.0.0.1:1/db does not answer; check host and port, and that the server runs")
    expect(card).not_to_contain_text("hush")


def test_a_half_typed_password_signs_in_nowhere(page: Page):
    asked: list[str] = []

    def choices(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or "{}")["config"]["password"])
        route.fulfill(json={"success": True, "data": {"options": [{"value": "shop", "label": "shop", "hint": ""}]}})

    page.route("**/connections/options", choices)
    page.goto("/connections/new/postgresql")
    form = page.get_by_role("main")
    form.get_by_label("Host").fill("db.example.org")
    form.get_by_label("User").fill("reader")
    form.get_by_label("Password").press_sequentially("half of it", delay=20)
    form.get_by_label("Database").focus()
    offered = form.get_by_label("Database").locator("xpath=following-sibling::datalist/option")
    expect(offered).to_have_attribute("value", "shop")
    assert asked == ["half of it"]


def test_sqlite_is_corrected_until_it_works_then_stored_and_deleted(page: Page, api, stack):
    stack.files.mkdir(exist_ok=True)
    form = choose(page, "sqlite", "SQLite")
    form.get_by_label("Name").fill("Little one")
    form.get_by_label("File").fill(str(stack.files / "nowhere" / "x.db"))
    form.get_by_role("button", name="Test", exact=True).click()
    card = form.get_by_role("region", name="Test")
    expect(card).to_contain_text("does not exist; create it or correct the path")
    form.get_by_label("File").fill(str(stack.files / "x.db"))
    form.get_by_role("button", name="Test", exact=True).click()
    expect(card).to_contain_text("It works")
    form.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"/connections/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", name="Little one", level=1)).to_contain_text("Works")
    page.goto("/connections")
    row = page.get_by_role("row").filter(has_text="Little one")
    expect(row.get_by_text("Works")).to_be_visible()

    page.expected.append("the server responded with a status of 409")
    again = choose(page, "sqlite", "SQLite")
    again.get_by_label("Name").fill("Little one")
    again.get_by_label("File").fill(str(stack.files / "x.db"))
    again.get_by_role("button", name="Save").click()
    expect(again.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    again.get_by_role("button", name="Cancel").click()

    page.get_by_role("button", name="Delete Little one").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(row).to_have_count(0)
    assert "Little one" not in {one["name"] for one in api("GET", "/connections")}


def test_a_stored_secret_is_never_shown_and_stays_when_it_is_not_replaced(page: Page, api):
    page.expected.append("the server responded with a status of 503")  # nobody listens there to list databases
    config = {"host": "127.0.0.1", "port": 1, "database": "db", "user": "me", "password": "a-long-secret-3f2a"}
    made = api("POST", "/connections", {"name": "Secretive", "connector": "postgresql", "config": config})
    heard: list[str] = []
    page.on("response", lambda answer: heard.append(answer.text()) if "/api/v1/connections" in answer.url else None)
    page.goto("/connections")
    page.get_by_role("link", name="Secretive", exact=True).click()
    form = page.get_by_role("form", name="Settings")
    expect(form.get_by_label("Password")).to_have_value("set …3f2a")
    form.get_by_label("Database").fill("other")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Secretive” is stored.")).to_be_visible()
    stored = api("GET", f"/connections/{made['id']}")["config"]
    assert stored["database"] == "other"
    assert stored["password"]["set"] is True
    assert not any("a-long-secret" in text for text in heard)
    assert "a-long-secret" not in page.content()
    api("DELETE", f"/connections/{made['id']}")


def test_a_connection_that_flows_use_is_not_deleted_by_mistake(page: Page, api):
    page.expected.append("the server responded with a status of 409")
    warehouse = next(one for one in api("GET", "/connections?q=Warehouse") if one["name"] == "Warehouse")
    page.goto(f"/connections/{warehouse['id']}")
    expect(page.get_by_role("region", name="Used by").get_by_role("link", name="REST to table")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete “Warehouse”?")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("'Warehouse' is used by")
    expect(dialog.get_by_role("button", name="Delete anyway")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    assert api("GET", f"/connections/{warehouse['id']}")["name"] == "Warehouse"
