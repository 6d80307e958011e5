"""What is only read may be answered by a standby: a real one, that is fresh, lags, stops, and comes back."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import sqlalchemy as sa
from headrace.infra.database import Database
from headrace.infra.moving import Mover
from headrace.infra.replicas import LOOK_S
from headrace.infra.roles import drop_database
from headrace.infra.settings import Settings, load_settings
from headrace.sdk.config import Secret
from headrace.sdk.errors import ConfigError
from headrace.testing.branches import branches
from headrace.testing.standby import Standby, standby
from headrace_web.testing import serving

API = "/api/v1"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    with standby(tmp_path_factory.mktemp("replica")) as made:
        yield made


@pytest.fixture
async def client(headrace_settings, plugin_host, copy: Standby):
    """The application with one replica."""
    urls = (Secret(copy.url_of(headrace_settings.database_url.reveal())),)
    settings = headrace_settings.replace(database_replica_urls=urls, database_servers=(server_of(headrace_settings),))
    async with serving(settings, plugin_host) as app:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as opened:
            opened.app = app
            yield opened


def server_of(settings: Settings) -> str:
    """The primary, as another server is named."""
    parts = urlsplit(settings.database_url.reveal())
    return f"{parts.hostname}:{parts.port}"


@pytest.fixture
def dropped(database_urls):
    """Databases to drop once the application has ended."""
    names: list[str] = []
    yield names
    with psycopg.connect(database_urls.owner_url, autocommit=True) as owner:
        for name in names:
            drop_database(owner, name)


@pytest.fixture
def replicas(client):
    return client.app.state.services.replicas


async def fresh(replicas) -> None:
    """Until the standby has everything that is committed now."""
    (one,) = replicas.each
    async with asyncio.timeout(20):
        before = replicas._now
        while not one.fresh > before:
            await asyncio.sleep(LOOK_S / 5)


async def by(replicas, ask) -> str:
    """Who answered what is asked: `primary`, or the standby."""
    before = replicas.answered.copy()
    answer = await ask()
    assert answer.status_code == 200, answer.text
    [(name, times)] = (replicas.answered - before).items()
    assert times >= 1
    return "primary" if name == "primary" else "standby"


async def test_a_read_goes_to_the_standby_and_sees_what_was_just_written(client, sign_up, replicas):
    owner, other = await sign_up(name="one"), await sign_up(name="two")

    async def flows(who=owner):
        return await client.get(f"{API}/flows", headers=who.headers)

    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=owner.headers)
    await fresh(replicas)
    assert await by(replicas, flows) == "standby"
    for number in range(5):
        made = await client.post(f"{API}/flows", json={"name": f"F{number}"}, headers=owner.headers)
        assert made.status_code == 201, made.text
        listed = await flows()
        assert listed.json()["data"][0]["name"] == f"F{number}", "one's own change is seen at once"
    await fresh(replicas)
    assert await by(replicas, flows) == "standby"
    assert len((await flows()).json()["data"]) == 5
    assert (await flows(other)).json()["data"] == [], "row-level security holds there too"
    text = (await client.get("/metrics")).text
    assert 'headrace_reads_total{database="primary"}' in text
    assert 'headrace_reads_total{database="127.0.0.1:' in text


@pytest.mark.parametrize(
    ("far", "who"),
    [
        pytest.param(False, "standby", id="same server", marks=pytest.mark.slow),
        pytest.param(True, "primary", id="another"),
    ],
)
async def test_a_database_of_its_own_is_read_there_too(dropped, client, sign_up, replicas, headrace_settings, far, who):
    """A standby has all databases of its server; of another server it is no copy."""
    owner, other = await sign_up(name="one"), await sign_up(name="two")
    name, server = f"own_{owner.organization_id.hex[-12:]}", server_of(headrace_settings)
    place = f"{name}@{server}" if far else name
    dropped.append(name)
    owner_url = headrace_settings.database_owner_url.reveal()

    async def flows(of=owner):
        return await client.get(f"{API}/flows", headers=of.headers)

    async def made(flow: str):
        answer = await client.post(f"{API}/flows", json={"name": flow}, headers=owner.headers)
        assert answer.status_code == 201, answer.text

    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=owner.headers)
    await made("before")
    async with client.app.state.services.database.transaction() as session:
        begin = sa.text("insert into homes (id, place) values (:id, :place)")
        await session.execute(begin, {"id": owner.organization_id, "place": place})
    await asyncio.to_thread(Mover(owner_url, branches(), servers=(server,)).carry_on_all)
    assert [one["name"] for one in (await flows()).json()["data"]] == ["before"], "whoever answers"
    await fresh(replicas)
    assert await by(replicas, flows) == who
    await made("there")
    assert {one["name"] for one in (await flows()).json()["data"]} == {"before", "there"}, "one's own change"
    await fresh(replicas)
    assert await by(replicas, flows) == who
    assert {one["name"] for one in (await flows()).json()["data"]} == {"before", "there"}
    assert await by(replicas, lambda: flows(other)) == "standby", "that one is elsewhere blames no standby"
    assert (await flows(other)).json()["data"] == []


async def test_one_that_lags_is_not_asked_until_it_has_caught_up(client, sign_up, replicas, copy):
    owner, other = await sign_up(name="one"), await sign_up(name="two")

    async def flows(who=owner):
        return await client.get(f"{API}/flows", headers=who.headers)

    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=owner.headers)
    await fresh(replicas)
    copy.pause()
    try:
        made = await client.post(f"{API}/flows", json={"name": "F"}, headers=owner.headers)
        assert made.status_code == 201
        for _ in range(8):
            assert await by(replicas, flows) == "primary"
            assert [row["name"] for row in (await flows()).json()["data"]] == ["F"]
            await asyncio.sleep(LOOK_S / 2)
        assert await by(replicas, lambda: flows(other)) == "standby", "nothing of theirs has changed"
    finally:
        copy.resume()
    await fresh(replicas)
    assert await by(replicas, flows) == "standby"
    assert [row["name"] for row in (await flows()).json()["data"]] == ["F"]


async def test_one_that_is_far_behind_is_not_asked_at_all(client, sign_up, replicas, copy, monkeypatch):
    monkeypatch.setattr("headrace.infra.replicas.LAG_MAX_S", 1.0)
    owner, other = await sign_up(name="one"), await sign_up(name="two")
    await fresh(replicas)
    copy.pause()
    try:
        await client.post(f"{API}/workspaces", json={"name": "W"}, headers=owner.headers)
        await asyncio.sleep(1.0 + 3 * LOOK_S)
        assert await by(replicas, lambda: client.get(f"{API}/flows", headers=other.headers)) == "primary"
    finally:
        copy.resume()
    await fresh(replicas)


async def test_one_that_is_down_costs_nothing_and_comes_back(client, sign_up, replicas, copy):
    owner = await sign_up()

    async def flows():
        return await client.get(f"{API}/flows", headers=owner.headers)

    await fresh(replicas)
    assert await by(replicas, flows) == "standby"
    copy.stop()
    try:
        assert await by(replicas, flows) == "primary", "at once: nobody waits for the next look"
        for _ in range(10):
            assert await by(replicas, flows) == "primary"
            await asyncio.sleep(LOOK_S / 5)
        health = (await client.get("/health")).json()
        assert (health["status"], health["data"]["checks"]["replicas"]["ok"]) == ("degraded", False)
        assert (await client.get("/health/ready")).status_code == 200
    finally:
        copy.start()
    await fresh(replicas)
    assert await by(replicas, flows) == "standby"
    assert (await client.get("/health")).json()["data"]["checks"]["replicas"]["ok"] is True


async def test_without_redis_the_primary_answers(client, sign_up, replicas, monkeypatch):
    owner = await sign_up()
    await fresh(replicas)

    async def away(*_, **__):
        raise ConnectionError("away")

    monkeypatch.setattr(replicas._redis, "get", away)
    assert await by(replicas, lambda: client.get(f"{API}/flows", headers=owner.headers)) == "primary"


async def test_a_change_by_another_process_and_a_live_message_count_too(client, sign_up, replicas, copy):
    owner = await sign_up()
    services = client.app.state.services

    async def flows():
        return await client.get(f"{API}/flows", headers=owner.headers)

    await fresh(replicas)
    copy.pause()
    try:
        from headrace.infra.bus import Bus, Message
        from headrace.infra.clock import now

        elsewhere = Bus.from_url(services.settings.redis_url.reveal())  # a worker's
        async with services.database.transaction(owner.organization_id) as session:
            await session.execute(sa.text("UPDATE organizations SET name = name || '!' "))
        assert await by(replicas, flows) == "standby"
        await elsewhere.publish(
            owner.organization_id, Message(channel="flow:x", type="flow_update", data={}, timestamp=now())
        )
        assert await by(replicas, flows) == "primary", "who hears of it reads it"
        await elsewhere.close()
    finally:
        copy.resume()
    await fresh(replicas)


async def test_the_primary_is_no_standby(client, headrace_settings, database_urls):
    """A URL of the primary itself, or of a copy that was promoted, is never asked."""
    from headrace.infra.replicas import Replicas

    primary = Database.from_url(database_urls.app_url, pool_size=1)
    wrong = Replicas([database_urls.app_url], primary, client.app.state.services.redis)
    await wrong.look()
    assert wrong.each[0].fresh == 0.0
    await wrong.close()
    await primary.close()


@pytest.mark.parametrize(("host", "more", "said"), [
    ("127.0.0.1", {}, "without HEADRACE_DATABASE_URL"),
    ("db.example", {"HEADRACE_DATABASE_URL": "postgresql://a:long-enough-1@127.0.0.1/x",
                    "HEADRACE_REDIS_URL": "redis://127.0.0.1"}, "HEADRACE_DATABASE_REPLICA_URLS reaches another"),
])  # fmt: skip
def test_unsafe_replicas_stop_the_start(host, more, said):
    with pytest.raises(ConfigError, match=said) as caught:
        load_settings({"HEADRACE_DATABASE_REPLICA_URLS": f"postgresql://a:secret@{host}/x", **more})
    assert "secret@" not in caught.value.message
