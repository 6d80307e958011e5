"""T-RATE: who is counted with whom, headers on every answer, forged addresses, Redis away."""

from __future__ import annotations

import asyncio
import time

import httpx
import msgspec
import pytest
from headrace.infra.rates import Rate, Verdict
from headrace.infra.settings import Settings
from headrace.sdk.errors import ConfigError
from headrace_web.api import hooks
from headrace_web.rates import Refused
from headrace_web.security import address
from headrace_web.security.address import client_of, network_of
from litestar.connection import ASGIConnection

API = "/api/v1"


@pytest.fixture
def rates(client, monkeypatch):
    """Changes the rates of the application; Redis counts as away only where a test takes it away."""
    monkeypatch.setattr("headrace_web.rates.SLOW_S", 30.0)
    return client.app.state.services.rates.rates.update


async def test_every_answer_tells_how_many_are_left(client, sign_up, monkeypatch):
    owner = await sign_up()
    h = owner.headers
    answers = {
        "good": await client.get(f"{API}/auth/me", headers=h), "refused": await client.get(f"{API}/auth/me"),
        "no such thing": await client.get(f"{API}/flows/01900000-0000-7000-8000-000000000000", headers=h),
        "denied": await client.get(f"{API}/system/letters", headers=h),
        "invalid": await client.post(f"{API}/flows", json={"nome": 1}, headers=h),
        "nowhere": await client.get(f"{API}/nowhere"), "wrong method": await client.patch(f"{API}/auth/login"),
        "health": await client.get("/health/live"), "static": await client.get("/static/nothing.js"),
        "page": await client.get("/login"), "webhook": await client.post("/hooks/nothing"),
        "login": await client.post(f"{API}/auth/login", json={"email": "a@b.example", "password": "x"}),
        "schema": await client.get("/schema/openapi.json"), "metrics": await client.get("/metrics"),
        "form": await client.get("/forms/nothing"), "chat": await client.get("/chats/nothing"),
    }  # fmt: skip
    for name, answer in answers.items():
        left, most = int(answer.headers["X-RateLimit-Remaining"]), int(answer.headers["X-RateLimit-Limit"])
        assert 0 <= left < most, (name, answer.status_code)
        assert time.time() - 60 <= int(answer.headers["X-RateLimit-Reset"]) < time.time() + 3_601, name
    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert (statuses["nowhere"], statuses["wrong method"], statuses["denied"]) == (404, 405, 403)


async def test_strangers_are_counted_by_address_exactly(client, rates):
    rates(anonymous=Rate(50, 3_600))
    answers = await asyncio.gather(*(client.get(f"{API}/auth/me") for _ in range(80)))
    assert sorted(answer.status_code for answer in answers) == [401] * 50 + [429] * 30
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert 1 <= int(refused.headers["Retry-After"]) <= 72
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert (await client.get("/health/live")).status_code == 200, "other classes go on"
    assert (await client.get("/login")).status_code == 200
    wrong = {"email": "a@b.example", "password": "x"}
    assert (await client.post(f"{API}/auth/login", json=wrong)).status_code == 401


async def test_a_user_is_counted_by_hour_and_by_operation(client, sign_up, rates):
    one, two = await sign_up(name="one"), await sign_up(name="two")
    rates(user=Rate(30, 3_600), route=Rate(10, 60))
    answers = [await client.get(f"{API}/flows", headers=one.headers) for _ in range(15)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 5
    assert answers[0].headers["X-RateLimit-Limit"] == "10"
    assert (await client.get(f"{API}/flows", headers=two.headers)).status_code == 200, "nobody pays for another"
    others = [await client.get(f"{API}/{path}", headers=one.headers)
              for path in ("workspaces", "connections") for _ in range(10)]  # fmt: skip
    assert [answer.status_code for answer in others] == [200] * 20, "refused calls did not count"
    assert (await client.get(f"{API}/jobs", headers=one.headers)).status_code == 429
    ids = [f"{API}/flows/01900000-0000-7000-8000-0000000000{n:02}" for n in range(12)]
    seen = [(await client.get(one_id, headers=two.headers)).status_code for one_id in ids]
    assert seen == [404] * 10 + [429] * 2, "ids do not make another operation of it"


async def test_a_key_is_counted_for_itself(client, sign_up, rates):
    owner = await sign_up()
    body = {"name": "K", "permissions": ["flow:read"]}
    key = (await client.post(f"{API}/api-keys", json=body, headers=owner.headers)).json()["data"]["key"]
    rates(user=Rate(5, 3_600))
    by_key = [(await client.get(f"{API}/flows", headers={"X-API-Key": key})).status_code for _ in range(6)]
    assert by_key == [200] * 5 + [429]
    assert (await client.get(f"{API}/flows", headers=owner.headers)).status_code == 200


async def test_the_plan_says_how_many_requests_an_hour(client, admin, database):
    answer = await client.get(f"{API}/flows", headers=admin.headers)
    assert answer.headers["X-RateLimit-Limit"] == "100000"
    body = {"plan_id": "free", "edition": "community"}
    made = await client.post(f"{API}/subscriptions", json=body, headers=admin.headers)
    assert made.status_code == 201, made.text
    client.app.state.services.rates._plans.clear()
    answer = await client.get(f"{API}/flows", headers=admin.headers)
    assert answer.headers["X-RateLimit-Limit"] == "100"
    usage = (await client.get(f"{API}/features/usage/api_requests", headers=admin.headers)).json()["data"]
    assert usage["limit"] == 100
    assert usage["used"] + usage["remaining"] == 100
    assert usage["used"] >= 2


async def test_forged_addresses_do_not_help(client, rates):
    rates(anonymous=Rate(5, 3_600))
    forged = [
        {name: f"203.0.113.{n}"}
        for n in range(10) for name in ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "CF-Connecting-IP")
    ]  # fmt: skip
    forged += [{"Forwarded": f"for=203.0.113.{n}"} for n in range(10)]
    seen = [(await client.get(f"{API}/auth/me", headers=headers)).status_code for headers in forged]
    assert seen.count(401) == 5
    assert set(seen[5:]) == {429}


async def test_behind_a_trusted_proxy_each_client_is_counted(client, rates):
    services = client.app.state.services
    services.settings = services.settings.replace(trusted_proxies=("127.0.0.1",))
    rates(anonymous=Rate(2, 3_600))

    async def seen(header):
        return (await client.get(f"{API}/auth/me", headers={"X-Forwarded-For": header})).status_code

    assert [await seen("203.0.113.1") for _ in range(3)] == [401, 401, 429]
    assert await seen("203.0.113.2") == 401
    scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": [(b"x-forwarded-for", b"203.0.113.2")]}
    assert address.peer_address(ASGIConnection(scope)) == "127.0.0.1", "who vouches for a header is never told by one"
    assert await seen("198.51.100.7, 203.0.113.1") == 429, "what a client writes in front does not count"
    assert [await seen(f"2001:db8:1:2::{n:x}") for n in range(3)] == [401, 401, 429], "a /64 is one client"


@pytest.mark.parametrize(("peer", "header", "client_is"), [
    ("203.0.113.9", "1.2.3.4", "203.0.113.9"), ("10.0.0.1", "", "10.0.0.1"), ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
    ("10.0.0.1", "1.2.3.4, 5.6.7.8", "5.6.7.8"), ("10.0.0.1", "1.2.3.4, 10.0.0.2", "1.2.3.4"),
    ("10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1"), ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ("10.0.0.1", "1.2.3.4:5678", "1.2.3.4"), ("10.0.0.1", "[2001:db8::1]:5678", "2001:db8::1"),
    ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"), ("10.0.0.1", ",,,", "10.0.0.1"), ("", "1.2.3.4", ""),
    ("10.0.0.1", ", ".join(["9.9.9.9"] + ["10.0.0.2"] * 30), "10.0.0.2"),
])  # fmt: skip
def test_the_header_is_read_from_its_end(peer, header, client_is):
    assert client_of(peer, header, ("10.0.0.0/8",)) == client_is
    assert client_of(peer, header, ()) == peer


def test_networks():
    assert network_of("203.0.113.9") == "203.0.113.9"
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::") == "2001:db8:1:2::/64"
    assert network_of("::ffff:203.0.113.9") == "203.0.113.9"
    assert network_of("") == ""


@pytest.mark.parametrize("variable", ["HEADRACE_TRUSTED_PROXIES", "HEADRACE_RATE_LIMITS"])
def test_settings_that_cannot_be_read_stop_the_start(variable):
    from headrace.infra.settings import load_settings

    with pytest.raises(ConfigError, match=variable):
        load_settings({variable: "everybody"})


async def test_webhooks_see_the_same_address():
    assert hooks.client_address is address.client_address


async def test_without_redis_the_process_counts_and_is_stricter(
    headrace_settings: Settings, plugin_host, database, monkeypatch
):
    from headrace.sdk.config import Secret
    from headrace_web.testing import serving

    away = msgspec.structs.replace(
        headrace_settings, redis_url=Secret("redis://127.0.0.1:9/0"), rate_limits=("anonymous=40/h",)
    )
    async with serving(away, plugin_host) as app:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as opened:
            answers = [await opened.get(f"{API}/auth/me") for _ in range(20)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 10
    assert answers[0].headers["X-RateLimit-Limit"] == "10"


async def test_a_slow_redis_is_left_alone_for_a_while(client, rates, monkeypatch):
    limiter = client.app.state.services.rates
    calls = []

    async def slow(**_):
        calls.append(1)
        await asyncio.sleep(30)

    monkeypatch.setattr(limiter, "_script", slow)
    monkeypatch.setattr("headrace_web.rates.SLOW_S", 0.1)
    begun = time.monotonic()
    assert [(await client.get(f"{API}/auth/me")).status_code for _ in range(5)] == [401] * 5
    assert time.monotonic() - begun < 25, "nobody waits for it"
    assert len(calls) == 1


async def test_who_was_refused_is_refused_again_and_nobody_is_asked(client, sign_up, rates, monkeypatch):
    one, two = await sign_up(name="one"), await sign_up(name="two")
    rates(route=Rate(2, 60), anonymous=Rate(2, 3_600))
    services = client.app.state.services
    me = f"{API}/auth/me"
    wrong = {"Authorization": one.headers["Authorization"][:-9] + "AAAAAAAAA"}
    for headers in (one.headers, wrong, {}):
        answers = [await client.get(me, headers=headers) for _ in range(3)]
        assert answers[-1].status_code == 429
    with monkeypatch.context() as patch:

        def asked(*_: object, **__: object) -> None:
            raise AssertionError("to refuse again asks nobody")

        patch.setattr(services.database, "transaction", asked)
        patch.setattr(services.rates, "_script", asked)
        patch.setattr(services.signer, "verify", asked)
        patch.setattr("headrace_web.rates.REFUSED_S", 60.0)
        for headers in (one.headers, wrong, {}):
            answer = await client.get(me, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (429, "RATE_LIMITED")
            assert 1 <= int(answer.headers["Retry-After"]) <= 1_800
            assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert (await client.get(f"{API}/flows", headers=one.headers)).status_code == 200, "at this operation only"
    assert (await client.get(me, headers=two.headers)).status_code == 200, "nobody else"


async def test_a_refusal_is_remembered_for_a_moment_only(client, sign_up, rates, monkeypatch):
    one = await sign_up()
    rates(user=Rate(1, 3_600))
    seen = [(await client.get(f"{API}/flows", headers=one.headers)).status_code for _ in range(2)]
    assert seen == [200, 429]
    monkeypatch.setattr("headrace_web.rates.REFUSED_S", 0.2)
    rates(user=Rate(10_000, 3_600))
    async with asyncio.timeout(30):  # a full hour is still full, and empties a hundred times a minute now
        while (await client.get(f"{API}/flows", headers=one.headers)).status_code != 200:
            await asyncio.sleep(0.05)


def test_refusals_are_bounded_and_end_with_their_wait(monkeypatch):
    monkeypatch.setattr("headrace_web.rates._KEEP", 3)
    refused = Refused()
    for number in range(10):
        refused.remember(number, Verdict(False, 5, 0, 60.0, 30.0))
    assert [number for number in range(10) if refused.look(number)] == [7, 8, 9]
    refused.remember("over", Verdict(False, 5, 0, 60.0, 0.0))
    assert refused.look("over") is None
