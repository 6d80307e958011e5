"""The way in: an invitation is taken, a second factor is asked for, a forgotten password says the same to everybody."""

from __future__ import annotations

import re
import secrets

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect

PASSWORD = "a long way to the sea 42"


@pytest.fixture
def stranger(open_page) -> Page:
    page: Page = open_page(storage_state=None)
    return page


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def guest(stranger: Page, api) -> str:
    """Somebody who has taken an invitation."""
    email = f"{secrets.token_hex(4)}@example.org"
    link = api("POST", "/invitations", {"email": email, "role": "editor"})["link"]
    stranger.goto("/invitation" + link[link.index("#") :])
    assert "#" not in stranger.url, "the token does not stay in the address"
    stranger.get_by_label("Your name").fill("Grace")
    stranger.get_by_label("Password (12").fill(PASSWORD)
    stranger.get_by_role("button", name="Accept").click()
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    return email


def test_an_invited_guest_signs_in_and_lands_where_they_wanted_to_go(stranger: Page, guest: str) -> None:
    stranger.goto("/login?next=/connections")
    sign_in(stranger, guest)
    expect(stranger.get_by_role("heading", name="Connections", level=1)).to_be_visible()


def test_a_foreign_place_to_go_on_to_is_not_gone_to(stranger: Page, guest: str) -> None:
    stranger.goto("/login?next=//example.org/flows")
    sign_in(stranger, guest)
    expect(stranger.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def test_the_second_factor_is_asked_for_after_the_password(stranger: Page, stack, guest: str) -> None:
    with httpx.Client(base_url=f"{stack.url}/api/v1/auth", timeout=60) as client:
        asked = {"email": guest, "password": PASSWORD, "kind": "program"}
        client.headers["Authorization"] = f"Bearer {client.post('/login', json=asked).json()['data']['access_token']}"
        secret = client.post("/second-factor", json={"password": PASSWORD}).json()["data"]["secret"]
        confirmed = client.post("/second-factor/confirm", json={"code": pyotp.TOTP(secret).now()})
    stranger.expected.append("401")  # type: ignore[attr-defined]
    sign_in(stranger, guest)
    code = stranger.get_by_label("Code of your second factor")
    expect(code).to_be_focused()
    code.fill(confirmed.json()["data"]["recovery_codes"][0])
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def test_a_forgotten_password_says_the_same_to_everybody(stranger: Page) -> None:
    stranger.goto("/login")
    stranger.get_by_role("link", name="Forgot your password?").click()
    stranger.get_by_label("E-mail").fill("nobody@example.org")
    stranger.get_by_role("button", name="Send the letter").click()
    expect(stranger.get_by_role("alert")).to_contain_text("If the address has an account")


def test_a_link_without_its_token_says_so(stranger: Page) -> None:
    stranger.goto("/reset-password")
    expect(stranger.get_by_role("alert")).to_contain_text("not complete")


def test_a_provider_has_a_button_and_a_refusal_a_sentence(stranger: Page, api) -> None:
    proxy = {
        "provider": "proxy", "name": "The gate <b>", "config": {"trusted": ["192.0.2.1"]}, "listed": True,
        "default_role": "viewer",
    }  # fmt: skip
    made = api("POST", "/identity-providers", proxy)
    try:
        stranger.goto("/login?next=/connections")
        button = stranger.get_by_role("link", name="Sign in with The gate <b>")
        expect(button).to_have_attribute("href", re.compile(rf"/{made['id']}/start\?next=%2Fconnections$"))
        button.click()
        expect(stranger.get_by_role("alert")).to_contain_text("did not let you in")
        expect(stranger.get_by_label("Password", exact=True)).to_be_visible()
    finally:
        api("DELETE", f"/identity-providers/{made['id']}")
