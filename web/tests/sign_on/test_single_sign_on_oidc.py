"""OpenID Connect against a provider that really runs: discovery, PKCE, code, keys and userinfo over HTTP."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time

import httpx
import pytest

API = "/api/v1"
CLAIMS = {"sub": "ada", "email": "ada@example.org", "email_verified": True, "name": "Ada", "groups": ["data"]}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    """`oidc-provider-mock`, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    module = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock"]
    command = [*module, "--port", str(port), "--require-nonce", "true", "--user-claims", json.dumps(CLAIMS)]
    log = tmp_path_factory.mktemp("oidc") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            try:
                document = httpx.get(f"{url}/.well-known/openid-configuration").json()
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield document["issuer"]
    finally:
        process.terminate()
        process.wait(10)


async def test_sign_in_with_a_running_provider(client, admin, issuer):
    config = {"issuer": issuer, "client_id": "headrace", "client_secret": "secret of headrace"}
    body = {
        "provider": "oidc", "name": "Mock", "config": config, "domains": ["example.org"],
        "group_roles": {"data": "editor"},
    }  # fmt: skip
    made = (await client.post(f"{API}/identity-providers", json=body, headers=admin.headers)).json()["data"]
    tested = await client.post(f"{API}/identity-providers/{made['id']}/test", headers=admin.headers)
    assert tested.json()["data"]["ok"] is True, tested.text
    sent = await client.get(f"{API}/auth/providers/{made['id']}/start?next=/flows")
    assert sent.status_code == 303, sent.text
    async with httpx.AsyncClient() as browser:
        shown = await browser.post(sent.headers["location"], data={"sub": "ada"})
    assert shown.status_code == 302, shown.text
    assert shown.headers["location"].startswith(made["callback"])
    came = await client.get(shown.headers["location"])
    why = await client.get(f"{API}/identity-providers/{made['id']}", headers=admin.headers)
    assert (came.status_code, came.headers.get("location")) == (303, "/flows"), why.json()["data"]["last_refusal"]
    session = re.search(r"headrace_session=([^;]+)", came.headers["set-cookie"])
    client.cookies.clear()
    me = (await client.get(f"{API}/auth/me", headers={"Cookie": f"headrace_session={session[1]}"})).json()["data"]
    assert (me["user"]["email"], me["role"]) == ("ada@example.org", "editor")
    again = await client.get(shown.headers["location"])
    assert again.status_code == 401, "the code comes again"


async def test_a_person_who_says_no_is_not_let_in(client, admin, issuer):
    config = {"issuer": issuer, "client_id": "headrace", "client_secret": "secret of headrace"}
    body = {"provider": "oidc", "name": "Mock", "config": config, "domains": ["*"], "default_role": "viewer"}
    made = (await client.post(f"{API}/identity-providers", json=body, headers=admin.headers)).json()["data"]
    sent = await client.get(f"{API}/auth/providers/{made['id']}/start")
    async with httpx.AsyncClient() as browser:
        shown = await browser.post(sent.headers["location"], data={"action": "deny"})
    assert "error=access_denied" in shown.headers["location"]
    state = re.search(r"state=([^&]+)", sent.headers["location"])[1]
    answer = await client.get(f"{made['callback']}?error=access_denied&state={state}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "SIGN_IN_REFUSED")
    why = await client.get(f"{API}/identity-providers/{made['id']}", headers=admin.headers)
    assert "access_denied" in why.json()["data"]["last_refusal"]
