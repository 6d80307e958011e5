"""The gallery of connectors, the data behind a connection, and connecting by a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from headrace.testing.http_server import Asked, Reply, http_server
from headrace.testing.oauth_server import OAuthServer
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.slow


def test_the_gallery_is_searched_filtered_and_linked_to(page: Page, api) -> None:
    known = api("GET", "/connectors")
    page.goto("/connectors")
    cards = page.get_by_role("listitem").filter(has=page.get_by_role("heading", level=2))
    expect(cards).to_have_count(len(known))
    page.get_by_role("searchbox", name="Search connectors").fill("postgresql")
    expect(page.get_by_role("link", name="PostgreSQL", exact=True)).to_be_visible()
    assert cards.count() < len(known)
    page.get_by_role("searchbox", name="Search connectors").fill("")
    page.get_by_label("Can").select_option(label="Files")
    able = [one for one in known if "files" in one["capabilities"]]
    expect(cards).to_have_count(len(able))
    expect(page).to_have_url(re.compile(r"[?&]can=files"))
    page.reload()
    expect(cards).to_have_count(len(able))
    page.get_by_role("searchbox", name="Search connectors").fill("no such thing")
    page.get_by_role("button", name="Clear the filters").click()
    page.get_by_label("Proven with").select_option(label="Unproven")
    expect(cards).to_have_count(sum(one["proof"] == "unproven" for one in known))


def test_a_connector_tells_what_it_is_and_leads_to_a_connection(page: Page) -> None:
    page.goto("/connectors/postgresql")
    main = page.get_by_role("main")
    expect(main).to_contain_text("headrace-connector-postgresql")
    expect(main).to_contain_text("Rows are inserted, or updated by their key.")
    expect(main).to_contain_text("Real server")
    expect(main.get_by_role("link", name="Warehouse")).to_be_visible()
    main.get_by_role("link", name="Connect", exact=True).click()
    expect(page.get_by_role("heading", name="New PostgreSQL connection")).to_be_visible()
    page.goto("/connectors/nothing")
    expect(page.get_by_role("heading", name="nothing is not installed")).to_be_visible()


def test_a_connector_of_another_edition_stays_visible_and_names_it(page: Page) -> None:
    def gated(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        next(one for one in told["data"] if one["id"] == "postgresql")["feature"] = "dedicated_infrastructure"
        route.fulfill(response=answer, json=told)

    page.route("**/api/v1/connectors", gated)
    page.goto("/connectors?q=postgresql")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="PostgreSQL", exact=True))
    expect(card).to_contain_text("Enterprise")
    card.get_by_role("link").click()
    expect(page.get_by_role("link", name="Connect", exact=True)).to_have_count(0)
    page.goto("/connections/new/postgresql")
    expect(page.get_by_role("heading", name="Your edition does not include PostgreSQL")).to_be_visible()


def test_all_connections_are_tested_at_once(page: Page, api) -> None:
    names = [one["name"] for one in api("GET", "/connections?per_page=100")]
    page.goto("/connections")
    expect(page.get_by_role("row").filter(has_text="Warehouse")).to_be_visible()
    page.get_by_role("button", name="Test all").click()
    expect(page.get_by_text(re.compile(rf"\d+ of {len(names)} work"))).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Warehouse")).to_contain_text("Works")
    page.get_by_role("radio", name="Not tested").check()
    expect(page.get_by_role("heading", name="No connection matches")).to_be_visible()


def test_what_a_connection_reaches_is_looked_through(page: Page, api) -> None:
    files = next(one for one in api("GET", "/connections?q=Flight") if one["name"] == "Flight data")
    page.goto(f"/connections/{files['id']}")
    page.get_by_role("link", name="Data", exact=True).click()
    tree = page.get_by_role("region", name="Tables and files")
    tree.get_by_role("searchbox").fill("tzone")
    expect(tree.get_by_role("button", name="airports.csv")).to_be_visible()
    expect(tree.get_by_role("button", name="airlines.csv")).to_have_count(0)
    tree.get_by_role("button", name="airports.csv").click()
    expect(page.get_by_role("region", name="Columns").get_by_role("row").filter(has_text="lat")).to_contain_text(
        "float"
    )
    page.get_by_role("radio", name="Rows").check()
    rows = page.get_by_role("region", name="Rows of airports.csv")
    expect(rows.get_by_role("cell", name="Lansdowne Airport")).to_be_visible()
    expect(page.get_by_text("The first 500 rows")).to_be_visible()
    assert rows.get_by_role("row").count() < 100, "only what is seen is in the document"
    page.reload()
    expect(rows.get_by_role("cell", name="Lansdowne Airport")).to_be_visible()


class Browsed(OAuthServer):
    """The service with a page at which a browser agrees at once."""

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/authorize":
            query = "&".join(f"{name}={value}" for name, value in asked.query.items())
            return Reply(b"", 303, {"location": self.browse(f"{self.url}/authorize?{query}")})
        return super().answer(asked)


@pytest.fixture
def service() -> Iterator[OAuthServer]:
    made = Browsed()
    with http_server(made.answer) as server:
        made.url = server.url
        yield made


def linked(api: Any, service: OAuthServer, name: str) -> str:
    config = {
        "base_url": f"{service.url}/api", "auth": "oauth2_code", "client_id": service.client[0],
        "client_secret": service.client[1], "token_url": f"{service.url}/token",
        "authorize_url": f"{service.url}/authorize", "scope": "read", "endpoints": ["city"],
    }  # fmt: skip
    return str(api("POST", "/connections", {"name": name, "connector": "rest", "config": config})["id"])


def test_a_person_connects_in_a_window_that_closes_itself(page: Page, api, service: OAuthServer) -> None:
    made = linked(api, service, "By a person")
    page.goto(f"/connections/{made}")
    card = page.get_by_role("region", name="Sign-in")
    expect(card).to_contain_text("Not connected")
    with page.expect_popup() as opened:
        card.get_by_role("button", name="Connect").click()
    expect(card.get_by_text("Connected", exact=True)).to_be_visible()
    popup = opened.value
    if not popup.is_closed():
        popup.wait_for_event("close")
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_role("link", name="Data", exact=True).click()
    page.get_by_role("button", name="city").click()
    page.get_by_role("radio", name="Rows").check()
    expect(page.get_by_role("cell", name="Oslo")).to_be_visible()
    page.get_by_role("navigation", name="Parts of").get_by_role("link", name="Settings").click()
    card.get_by_role("button", name="Disconnect").click()
    expect(card).to_contain_text("Not connected")
    api("DELETE", f"/connections/{made}")


def test_who_does_not_agree_is_told_why(page: Page, api, service: OAuthServer) -> None:
    service.agrees = False
    made = linked(api, service, "Not agreed")
    page.goto(f"/connections/{made}")
    card = page.get_by_role("region", name="Sign-in")
    with page.expect_popup():
        card.get_by_role("button", name="Connect").click()
    expect(page.get_by_text("The other side did not agree. Connect again.")).to_be_visible()
    expect(card).to_contain_text("Not connected")
    api("DELETE", f"/connections/{made}")
