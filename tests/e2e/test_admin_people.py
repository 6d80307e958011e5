"""Oneself and the others: second factor, keys, invitations, roles, grants and why somebody may do something."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect

PASSWORD = "a long way to the sea 42"


@pytest.fixture
def join(api, stack) -> Callable[..., str]:
    """Makes a member by invitation; the answer is the address."""

    def made(role: str = "editor", name: str = "Grace") -> str:
        email = f"{secrets.token_hex(4)}@example.org"
        link = api("POST", "/invitations", {"email": email, "role": role})["link"]
        taken = {"token": link[link.index("#") + 1 :], "password": PASSWORD, "full_name": name}
        assert httpx.post(f"{stack.url}/api/v1/invitations/accept", json=taken, timeout=60).is_success
        return email

    return made


def sign_in(page: Page, email: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_second_factor_is_turned_on_and_asked_for_and_a_recovery_code_opens(open_page, join) -> None:
    email = join()
    page: Page = open_page(storage_state=None)
    sign_in(page, email)
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    page.goto("/profile/security")
    page.get_by_role("button", name="Turn on").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("img", name="QR code for an authenticator app")).to_be_visible()
    secret = page.get_by_label("Secret").input_value()
    page.get_by_label("Code of the app").fill(pyotp.TOTP(secret).now())
    page.get_by_role("dialog").get_by_role("button", name="Turn on").click()
    codes = page.get_by_label("Recovery codes", exact=True).input_value().split()
    assert len(codes) == 10
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes left")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    page.expected.append("401")  # type: ignore[attr-defined]
    sign_in(page, email)
    code = page.get_by_label("Code of your second factor")
    expect(code).to_be_focused()
    expect(page.get_by_label("E-mail")).to_be_hidden()
    code.fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def test_a_key_is_shown_once_and_may_do_what_it_names_until_it_is_revoked(page: Page, stack) -> None:
    name = f"Import {secrets.token_hex(3)}"
    page.goto("/profile/keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Read only").click()
    page.get_by_role("button", name="Make the key").click()
    key = page.get_by_label("The key").input_value()
    page.get_by_role("button", name="I have it").click()
    line = page.get_by_role("listitem").filter(has_text=name)
    expect(line).to_contain_text("Never used")
    assert key not in page.content()

    with httpx.Client(base_url=f"{stack.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60) as ask:
        assert ask.get("/flows").status_code == 200
        refused = ask.post("/flows", json={"name": "not by this key"})
        assert refused.status_code == 403
        assert "flow:create" in refused.text

        page.get_by_role("button", name=f"Revoke {name}").click()
        page.get_by_role("button", name="Revoke", exact=True).click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(line).to_have_count(0)
        assert ask.get("/flows").status_code == 401


@pytest.mark.slow
def test_a_sign_in_elsewhere_is_ended_from_the_page(open_page, join) -> None:
    email = join()
    here, there = open_page(storage_state=None), open_page(storage_state=None)
    for page in (here, there):
        sign_in(page, email)
        expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    here.goto("/profile/security")
    signed_in = here.get_by_role("region", name="Where you are signed in")
    expect(signed_in.get_by_role("listitem")).to_have_count(2)
    signed_in.get_by_role("button", name="End all others").click()
    expect(signed_in.get_by_role("listitem")).to_have_count(1)
    expect(signed_in).to_contain_text("This one")
    there.expected.append("401")
    there.goto("/flows")
    expect(there.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_theme_and_the_language_stay(page: Page) -> None:
    page.goto("/profile")
    page.get_by_role("radio", name="Dark").check()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_label("Language", exact=True).select_option("de")
    expect(page.get_by_role("heading", name="Ihr Profil", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name="Dunkel")).to_be_checked()
    page.get_by_label("Sprache", exact=True).select_option("en")
    expect(page.get_by_role("heading", name="Your profile", level=1)).to_be_visible()


def test_somebody_is_invited_gets_another_role_and_is_shut_out(page: Page, open_page, stack) -> None:
    email = f"{secrets.token_hex(4)}@example.org"
    page.goto("/members")
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("dialog").get_by_role("button", name="Invite").click()
    link = page.get_by_label("Link", exact=True).input_value()
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()

    guest: Page = open_page(storage_state=None)
    guest.goto(link)
    guest.get_by_label("Your name").fill(f"Guest {email[:4]}")
    guest.get_by_label("Password (12").fill(PASSWORD)
    guest.get_by_role("button", name="Accept").click()
    expect(guest.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(guest, email)
    expect(guest.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    expect(guest.get_by_role("link", name="Members & access")).to_have_count(0)

    page.reload()
    line = page.get_by_role("listitem").filter(has_text=email)
    line.get_by_role("combobox").select_option(label="Viewer")
    expect(page.get_by_text("has another role now")).to_be_visible()
    line.get_by_role("button").click()
    page.get_by_role("menuitem", name="Shut out").click()
    expect(line.get_by_text("Shut out")).to_be_visible()
    guest.expected.append("401")  # type: ignore[attr-defined]
    guest.goto("/executions")
    expect(guest.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.slow
def test_a_grant_answers_why_somebody_may_run_a_flow(page: Page, join) -> None:
    name = f"Mary {secrets.token_hex(3)}"
    join("viewer", name)
    page.goto("/members/access")
    why = page.get_by_role("region", name="Why can somebody do something?")
    why.get_by_label("Person").select_option(label=name)
    why.get_by_label("Which one").select_option(label="Flights")
    expect(why.get_by_role("status")).to_contain_text("No, nothing allows it.")
    page.get_by_role("button", name="Give a grant").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("Who").select_option(label=name)
    form.get_by_label("Gets").select_option(label="Run")
    form.get_by_label("On", exact=True).select_option(label="Flow")
    form.get_by_label("Which one").select_option(label="Flights")
    form.get_by_role("button", name="Give a grant").click()
    expect(form).to_be_hidden()
    expect(why.get_by_role("status")).to_contain_text("Yes, by a grant to this person.")
    page.get_by_role("button", name=f"Take the grant on Flights from {name}").click()
    expect(why.get_by_role("status")).to_contain_text("No, nothing allows it.")


@pytest.mark.slow
def test_a_group_is_made_filled_renamed_and_deleted(page: Page, api, join) -> None:
    name = f"Night shift {secrets.token_hex(3)}"
    page.goto("/members/groups")
    join(name="Katherine")
    page.reload()
    page.get_by_role("button", name="New group").click()
    made = page.get_by_role("dialog", name="New group")
    made.get_by_label("Name").fill(name)
    made.get_by_label("Description").fill("Looks after what runs at night")
    made.get_by_role("button", name="Save").click()
    group = page.get_by_role("region", name=name, exact=True)
    expect(group).to_contain_text("Looks after what runs at night")
    group.get_by_role("combobox").select_option(label="Katherine")
    expect(group.get_by_role("listitem")).to_have_text([re.compile("Katherine")])
    page.reload()
    expect(group.get_by_role("listitem")).to_have_count(1)
    group.get_by_role("button", name=f"Take Katherine out of {name}").click()
    expect(group.get_by_role("listitem")).to_have_count(0)
    group.get_by_role("button", name=f"More about {name}").click()
    page.get_by_role("menuitem", name="Change").click()
    page.get_by_role("dialog").get_by_label("Name").fill(f"{name}, renamed")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    renamed = page.get_by_role("region", name=f"{name}, renamed", exact=True)
    expect(renamed).to_be_visible()
    renamed.get_by_role("button", name=f"More about {name}").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(renamed).to_have_count(0)
    assert not [one for one in api("GET", "/groups?per_page=100") if one["name"].startswith(name)]


def test_an_own_role_is_made_from_the_matrix(page: Page) -> None:
    name = f"Night shift {secrets.token_hex(3)}"
    page.goto("/members/roles")
    page.get_by_role("button", name="Viewer").click()
    page.get_by_role("button", name="Make one like it").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill(name)
    form.get_by_role("row", name="Executions").get_by_label("retry").check()
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("button", name=name)).to_contain_text("15 rights")


def test_without_javascript_one_signs_in_and_hears_what_is_wrong(open_page, join) -> None:
    email = join()
    page: Page = open_page(storage_state=None, java_script_enabled=False)
    page.goto("/login?next=/connections")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill("not this one")
    page.expected.append("401")  # type: ignore[attr-defined]
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/connections")
    assert any(cookie["name"].endswith("session") for cookie in page.context.cookies())
