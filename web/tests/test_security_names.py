"""By which names a browser may sign in: this machine's and the local network's, else the one that is set."""

from __future__ import annotations

import msgspec
import pytest
from headrace_web.security.browser import is_near

API = "/api/v1"
PASSWORD = "correct horse battery staple 9"


async def enter(client, owner, origin: str):
    """A sign-in by a page of this origin, which is also where the request goes."""
    body = {"email": owner.email, "password": PASSWORD, "kind": "browser"}
    headers = {"Origin": origin, "Host": origin.partition("//")[2]}
    return await client.post(f"{API}/auth/login", json=body, headers=headers)


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8080", "http://nas:8080", "http://nas.local:8080", "http://192.168.1.20:8080"]
)
async def test_a_name_of_the_local_network_signs_in_with_a_cookie_that_goes_over_http(client, sign_up, origin):
    answer = await enter(client, await sign_up(), origin)
    assert answer.status_code == 200, answer.text
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert not [one for one in cookies if "secure" in one.lower()], "a browser would not send it back over http"


async def test_a_name_that_somebody_may_register_does_not(client, sign_up):
    answer = await enter(client, await sign_up(), "http://headrace.evil.example:8080")
    assert answer.status_code == 403
    assert "set HEADRACE_PUBLIC_URL" in answer.json()["error"]["message"]
    body = {"email": "a@example.org", "password": PASSWORD}
    other = {"Origin": "http://nas:8080", "Host": "127.0.0.1:8080"}
    assert (await client.post(f"{API}/auth/login", json=body, headers=other)).status_code == 403


async def test_where_a_public_address_is_set_another_name_is_told_to_go_there(client, sign_up):
    owner, services = await sign_up(), client.app.state.services
    public = "https://headrace.example.org"
    services.settings = msgspec.structs.replace(services.settings, public_url=public)
    answer = await enter(client, owner, "http://nas:8080")
    assert answer.status_code == 403
    assert answer.json()["error"]["message"].endswith(f"open {public} and sign in there")
    assert "set-cookie" not in answer.headers, "the browser would drop it, and ask for the password again for ever"


@pytest.mark.parametrize(("name", "near"), [
    ("nas", True), ("printer.lan", True), ("x.home.arpa", True), ("10.1.2.3", True), ("fd00::1", True),
    ("8.8.8.8", False), ("example.org", False), ("local.example.org", False), ("evil-local", True), ("", False),
])  # fmt: skip
def test_what_is_near(name: str, near: bool):
    assert is_near(name) is near
