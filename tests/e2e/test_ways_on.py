"""Pages that cannot be shown: each says why in a sentence and has a way on; who may not, sees no act."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

PASSWORD = "a long way to the sea 42"
NOWHERE = "0195aaaa-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def joined() -> dict[str, str]:
    """The address of somebody of each role, once invited."""
    return {}


@pytest.fixture
def member(open_page, api, stack, joined: dict[str, str]) -> Callable[[str], Page]:
    """Signs in somebody who was invited for a role."""

    def enter(role: str) -> Page:
        if role not in joined:
            email = f"{secrets.token_hex(4)}@example.org"
            link = api("POST", "/invitations", {"email": email, "role": role})["link"]
            taken = {"token": link[link.index("#") + 1 :], "password": PASSWORD, "full_name": "Grace"}
            assert httpx.post(f"{stack.url}/api/v1/invitations/accept", json=taken, timeout=60).is_success
            joined[role] = email
        page: Page = open_page(storage_state=None)
        page.goto("/login")
        page.get_by_label("E-mail").fill(joined[role])
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
        return page

    return enter


def test_an_address_that_leads_nowhere_says_so(page: Page) -> None:
    page.goto("/no-such-page")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


@pytest.mark.parametrize(
    ("kind", "others"),
    [("flows", "flows"), ("schedules", "triggers")]
    + [
        pytest.param(*pair, marks=pytest.mark.slow)
        for pair in (
            *((one, one) for one in ("executions", "connections", "jobs", "job-packages", "calendars")),
            *((one, "triggers") for one in ("triggers", "webhooks")),
        )
    ],
)
def test_a_thing_that_is_gone_says_so_and_leads_to_the_others(page: Page, kind: str, others: str) -> None:
    page.expected.append("404")  # type: ignore[attr-defined]
    page.goto(f"/{kind}/{NOWHERE}")
    main = page.get_by_role("main")
    expect(main.get_by_role("alert").or_(main.locator(".empty")).first).to_contain_text("there is no such")
    main.locator(f'a[href="/{others}"]').first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(main.get_by_text("there is no such")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (429, "too many requests; try again in 12 seconds"),
        (500, "something went wrong; the log has it under 4f2a"),
        (410, "this link has ended; ask for another"),
    ],
)
def test_an_answer_that_says_no_is_shown_and_asked_for_again(page: Page, status: int, sentence: str) -> None:
    page.expected.append(str(status))  # type: ignore[attr-defined]

    def refuse(route: Route) -> None:
        body = {"success": False, "error": {"code": "NO", "message": sentence, "details": {}}}
        route.fulfill(status=status, json=body)

    page.route("**/api/v1/connections?*", refuse)
    page.goto("/connections")
    said = page.get_by_role("main").get_by_role("alert")
    expect(said).to_contain_text(sentence)
    page.unroute("**/api/v1/connections?*")
    said.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="Warehouse", exact=True)).to_be_visible()


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_said_and_waited_for(page: Page) -> None:
    page.expected.extend(["ERR_INTERNET_DISCONNECTED", "WebSocket"])  # type: ignore[attr-defined]
    page.goto("/flows")
    expect(page.get_by_role("link", name="Flights", exact=True)).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="New flow").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Made while away")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_text("headrace does not answer. Is it running?").first).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="An empty flow")).to_be_visible()


def test_a_viewer_sees_no_act_and_the_api_refuses_it(member) -> None:
    page: Page = member("viewer")
    page.expected.append("403")  # type: ignore[attr-defined]
    for place, seen, act in (
        ("/flows", "Flights", "New flow"),
        ("/connections", "Warehouse", "New connection"),
        ("/schedules", "Schedules", "New trigger"),
        ("/jobs", "Jobs", "New job"),
        ("/settings/workspaces", "Demo", "New workspace"),
    ):
        page.goto(place)
        expect(page.get_by_role("main").get_by_text(seen).first).to_be_visible()
        page.wait_for_load_state("networkidle")
        main = page.get_by_role("main")
        expect(main.get_by_role("button", name=act).or_(main.get_by_role("link", name=act))).to_have_count(0)
        expect(main.get_by_role("button", name="Delete")).to_have_count(0)
        expect(main.get_by_role("checkbox", name="Choose")).to_have_count(0)
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"].endswith("csrf"))
    refused = page.request.post("/api/v1/flows", data={"name": "Not mine"}, headers={"x-csrf-token": token})
    assert refused.status == 403
    assert "flow:create" in refused.text()


@pytest.mark.slow
def test_pages_of_others_say_what_it_takes(member) -> None:
    page: Page = member("viewer")
    for place in ("/workers/processes", "/system", "/members", "/members/groups", "/editions/features", "/trash"):
        page.goto(place)
        main = page.get_by_role("main")
        expect(main.get_by_role("heading", name="Not for your role")).to_be_visible()
        expect(main).to_contain_text("This page needs the right")
    page.expected.append("403")  # type: ignore[attr-defined]
    for place in ("/triggers", "/webhooks", "/calendars"):
        page.goto(place)
        refused = page.get_by_role("main").get_by_role("alert")
        expect(refused.get_by_role("heading", name="Not for your role")).to_be_visible()
        expect(refused).to_contain_text("ask an admin of the organization")
        expect(refused.get_by_role("button")).to_have_count(0)


def test_who_signs_out_is_out_in_every_tab(member) -> None:
    page: Page = member("editor")
    other = page.context.new_page()
    other.goto("/executions")
    expect(other.get_by_role("heading", name="Executions", level=1)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    for tab in (page, other):
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
