"""Tokens, cookies, CSRF, origins, headers: what a browser or a forger may try."""

from __future__ import annotations

import base64
import json
import re
import time

import jwt
import pytest

API = "/api/v1"
PASSWORD = "correct horse battery staple 9"
HOME = "http://127.0.0.1:8080"


def b64(value: dict | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def me(client, token: str) -> int:
    return (await client.get(f"{API}/auth/me", headers={"Authorization": f"Bearer {token}"})).status_code


async def test_forged_tokens_are_refused(client, sign_up):
    owner = await sign_up()
    token = owner.headers["Authorization"].partition(" ")[2]
    assert await me(client, token) == 200
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    head = json.loads(base64.urlsafe_b64decode(header + "=="))
    forged = [
        *(
            f"{b64({**head, 'alg': alg})}.{payload}.{tail}"
            for alg in ("none", "None", "nOnE", "")
            for tail in ("", signature)
        ),
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}.{b64({**claims, 'org': '01900000-0000-7000-8000-000000000000'})}.{signature}",
        jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"typ": "at+jwt", "kid": head["kid"]}),
        f"{b64({**head, 'kid': '../../dev/null'})}.{payload}.{signature}",
        f"{b64({**head, 'jku': 'http://evil.example'})}.{payload}.{signature}",
        "x",
        "",
        "a.b.c",
        "é",
    ]
    for one in forged:
        assert await me(client, one.encode("ascii", "replace").decode()) == 401, one
    for header_value in ("Basic eDp5", f"Token {token}", token, "Bearer"):
        assert (await client.get(f"{API}/auth/me", headers={"Authorization": header_value})).status_code == 401


async def test_each_claim_is_required_and_of_its_type(client, sign_up):
    owner = await sign_up()
    token = owner.headers["Authorization"].partition(" ")[2]
    signer = client.app.state.services.signer
    key, head = next(iter(signer._now().values())), jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})

    def signed(changed: dict, **header: str) -> str:
        return jwt.encode(changed, key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": head["kid"], **header})

    assert await me(client, signed(claims)) == 200
    for name in claims:
        assert await me(client, signed({k: v for k, v in claims.items() if k != name})) == 401, name
    wrong = [
        {"aud": ["headrace-api", "other"]},
        {"aud": "other"},
        {"nbf": claims["nbf"] + 9_999},
        {"exp": claims["exp"] + 9_999},
        {"exp": int(time.time()) - 1},
        {"exp": -1},
        {"sub": 3},
        {"typ": "refresh"},
        {"sv": "9.9"},
        {"sid": claims["sub"]},
    ]
    for change in wrong:
        assert await me(client, signed({**claims, **change})) == 401, change
    assert await me(client, signed(claims, typ="JWT")) == 401


async def test_a_token_of_one_kind_is_no_other(client, sign_up):
    owner = await sign_up()
    body = {"email": owner.email, "password": PASSWORD}
    program = (await client.post(f"{API}/auth/login", json=body)).json()["data"]
    browser = await client.post(f"{API}/auth/login", json={**body, "kind": "browser"})
    cookie = browser.cookies["headrace_session"]
    client.cookies.clear()
    ticket = (await client.post(f"{API}/ws-tickets", headers=owner.headers)).json()["data"]["ticket"]
    for token in (program["refresh_token"], cookie, ticket):
        assert await me(client, token) == 401
    for token in (program["access_token"], cookie, ticket):
        assert (await client.post(f"{API}/auth/refresh", json={"refresh_token": token})).status_code == 401
    for token in (program["access_token"], program["refresh_token"], ticket):
        answer = await client.get(f"{API}/auth/me", headers={"Cookie": f"headrace_session={token}"})
        assert answer.status_code == 401
    renewed = await client.post(f"{API}/auth/refresh", json={"refresh_token": program["refresh_token"]})
    assert await me(client, renewed.json()["data"]["access_token"]) == 200


async def test_a_browser_gets_a_cookie_no_script_reads(client, sign_up):
    owner = await sign_up()
    answer = await client.post(
        f"{API}/auth/login", json={"email": owner.email, "password": PASSWORD}, headers={"Origin": HOME}
    )
    assert answer.status_code == 200
    assert "access_token" not in answer.json()["data"]
    cookies = {line.partition("=")[0]: line.lower() for line in answer.headers.get_list("set-cookie")}
    assert "httponly" in cookies["headrace_session"]
    assert "samesite=lax" in cookies["headrace_session"]
    assert "httponly" not in cookies["headrace_csrf"]
    assert (await client.get(f"{API}/auth/me")).json()["data"]["csrf_token"] == answer.json()["data"]["csrf_token"]
    out = await client.post(f"{API}/auth/logout", headers={"X-CSRF-Token": answer.json()["data"]["csrf_token"]})
    assert out.status_code == 200
    again = {"Cookie": f"headrace_session={answer.cookies['headrace_session']}"}
    assert (await client.get(f"{API}/auth/me", headers=again)).status_code == 401


@pytest.mark.parametrize(
    ("origin", "token", "status"),
    [
        (None, "right", 201),
        (HOME, "right", 201),
        (None, "", 403),
        (None, "other", 403),
        (HOME, "", 403),
        ("null", "right", 403),
        ("http://evil.example", "right", 403),
        ("http://127.0.0.1:8080.evil.example", "right", 403),
        ("http://127.0.0.1", "right", 403),
        ("https://127.0.0.1:8080", "right", 403),
        ("http://127.0.0.1:9999", "right", 403),
        ("http://localhost:8080", "right", 403),
        ("", "right", 403),
    ],
)
async def test_changes_by_cookie_need_our_origin_and_the_token(client, sign_up, origin, token, status):
    owner = await sign_up()
    other = await sign_up("viewer", owner.organization_id)
    body = {"email": owner.email, "password": PASSWORD, "kind": "browser"}
    first = (await client.post(f"{API}/auth/login", json={**body, "email": other.email})).json()["data"]["csrf_token"]
    client.cookies.clear()
    signed_in = (await client.post(f"{API}/auth/login", json=body)).json()["data"]
    headers = {"right": {"X-CSRF-Token": signed_in["csrf_token"]}, "other": {"X-CSRF-Token": first}, "": {}}[token]
    if origin is not None:
        headers = {**headers, "Origin": origin}
    answer = await client.post(f"{API}/workspaces", json={"name": "W"}, headers=headers)
    assert answer.status_code == status, answer.text


async def test_sign_in_from_a_foreign_page_is_refused(client, sign_up):
    owner = await sign_up()
    body = {"email": owner.email, "password": PASSWORD}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert (await client.post(f"{API}/auth/login", json=body, headers=headers)).status_code == 403


async def test_wrong_unknown_and_too_many_passwords(client, sign_up):
    owner = await sign_up()
    wrong = await client.post(f"{API}/auth/login", json={"email": owner.email, "password": "x"})
    unknown = await client.post(f"{API}/auth/login", json={"email": "nobody@example.org", "password": "x"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["error"] == unknown.json()["error"]
    codes = [
        (await client.post(f"{API}/auth/login", json={"email": owner.email, "password": "x"})).status_code
        for _ in range(10)
    ]
    assert codes[-1] == 429
    assert codes[0] == 401


async def test_every_answer_has_the_headers(client):
    for path in ("/health/live", f"{API}/auth/me", "/no/such/page", "/schema"):
        answer = await client.get(path, headers={"X-Correlation-ID": "abc-1"})
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-correlation-id"] == "abc-1"
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert re.fullmatch(r"'self' 'nonce-[\w-]{20,}'", policy["style-src"])
        assert policy["style-src-attr"] == "'unsafe-inline'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
        others = " ".join(value for name, value in policy.items() if name != "style-src-attr")
        assert not re.search(r"unsafe-|\*|https?:|wss?:", others)
        assert "access-control-allow-origin" not in answer.headers
    first, second = [(await client.get("/health/live")).headers for _ in range(2)]
    assert first["content-security-policy"] != second["content-security-policy"]
    odd = await client.get("/health/live", headers={"X-Correlation-ID": "a b<script>"})
    assert re.fullmatch(r"[0-9a-f]{32}", odd.headers["x-correlation-id"])


async def test_an_unexpected_error_shows_its_request_id_only(client, sign_up, monkeypatch, caplog):
    owner = await sign_up()

    async def broken(*args, **kwargs):
        raise RuntimeError("password=hunter2 in the driver")

    monkeypatch.setattr("headrace.workspaces.service.list_workspaces", broken)
    answer = await client.get(f"{API}/workspaces", headers=owner.headers)
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert answer.json()["error"]["details"] == {"request_id": answer.headers["x-request-id"]}


async def test_secrets_of_a_connection_never_come_out(client, sign_up):
    owner = await sign_up()
    config = {"host": "db.example.org", "database": "d", "user": "u", "password": "a-very-secret-text"}
    made = await client.post(
        f"{API}/connections", json={"name": "PG", "connector": "postgresql", "config": config}, headers=owner.headers
    )
    assert made.status_code == 201, made.text
    url = f"{API}/connections/{made.json()['data']['id']}"
    changed = await client.patch(
        url, json={"config": {**config, "password": made.json()["data"]["config"]["password"], "database": "other"},
                   "row_version": made.json()["data"]["row_version"]}, headers=owner.headers
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    shown = (await client.get(url, headers=owner.headers)).json()["data"]["config"]
    assert shown["password"] == {"$secret": True, "set": True, "hint": "…text"}
    assert shown["database"] == "other"
    stolen = {**config, "password": shown["password"], "host": "evil.example.org"}
    moved = await client.patch(
        url, json={"config": stolen, "row_version": changed.json()["data"]["row_version"]}, headers=owner.headers
    )
    assert moved.status_code == 422, moved.text
    assert "enter 'password' again" in moved.json()["error"]["message"]
    for answer in (made, changed, await client.get(f"{API}/connections", headers=owner.headers)):
        assert "a-very-secret" not in answer.text
