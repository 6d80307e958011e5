"""Redis slow, full, gone, or talked into nonsense: it is a convenience, so nothing but time is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import contextmanager

import pytest
import redis
from headrace.infra.queue import NAMESPACE, QUEUES

from tests.faults.site import until


@pytest.fixture
def valkey(stack):
    with redis.Redis.from_url(stack.urls.redis_url.reveal()) as client:
        yield client


async def test_without_redis_executions_are_accepted_and_executed(site):
    """F8."""
    flow = await site.gated()
    site.stack.crash("valkey")
    first = await site.start(flow)
    health = (await site.client.get("/health")).json()
    assert (health["status"], health["data"]["checks"]["redis"]["ok"]) == ("degraded", False)
    assert (await site.client.get("/health/ready")).status_code == 200
    assert (await site.ended(first))["status"] == "completed"
    site.stack.services.revive()
    again = await site.start(flow)
    assert (await site.ended(again))["status"] == "completed"
    assert {line.partition(":")[0] for line in site.lines("target")} == {first, again}
    assert len(site.lines("target")) == 6


@pytest.mark.slow
async def test_a_frozen_redis_holds_nobody_up_for_long(site, record_property):
    """F9: its port takes connections and says nothing."""
    flow = await site.gated()
    pid = site.stack.services.pids["valkey"]
    os.kill(pid, signal.SIGSTOP)
    try:
        took = []
        for _ in range(5):
            began = asyncio.get_running_loop().time()
            execution = await site.start(flow)
            took.append(asyncio.get_running_loop().time() - began)
        assert (await site.ended(execution))["status"] == "completed"
    finally:
        os.kill(pid, signal.SIGCONT)
    record_property("figure", ("redis_frozen_accept", "Accepting an execution while Redis is frozen", "s", took))


@pytest.mark.slow
async def test_a_redis_that_pauses_its_clients_is_slow_and_nothing_else(site, valkey, record_property):
    """F9: writes wait for five seconds, again and again, while work is accepted and done."""
    flow, took = await site.gated(), []
    for _ in range(2):
        valkey.client_pause(5_000, all=False)
        began = time.monotonic()
        started = [await site.start(flow) for _ in range(3)]
        took.append((time.monotonic() - began) / len(started))
        for execution in started:
            assert (await site.ended(execution))["status"] == "completed"
            assert await site.attempts(execution) == ["completed"] * 3
    valkey.client_unpause()
    record_property("figure", ("redis_paused_accept", "Accepting an execution while Redis pauses", "s", took))


@contextmanager
def configured(client, **settings):
    before = {name: client.config_get(name)[name] for name in settings}
    for name, value in settings.items():
        client.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            client.config_set(name, value)


@pytest.mark.parametrize("settings", [
    pytest.param({"maxmemory": "1", "maxmemory-policy": "noeviction"}, id="full"),
    pytest.param({"min-replicas-to-write": "1"}, id="readonly"),
])  # fmt: skip
async def test_a_redis_that_takes_no_write_is_as_one_that_is_away(site, valkey, settings):
    """F10."""
    flow = await site.gated()
    with configured(valkey, **settings):
        with pytest.raises(redis.ResponseError):
            valkey.set("x", "y")
        execution = await site.start(flow)
        assert (await site.ended(execution))["status"] == "completed"
    site.one_effect(execution)


async def test_junk_in_redis_is_passed_over(site, valkey):
    """F11: what is no message, in queues and in streams; doorbells and live events go on."""
    flow = await site.gated(gate={"wait_for": site.path("open")})
    execution = await site.start(flow)
    await until(lambda: site.lines("gate"))
    for number, junk in enumerate((b"junk", b"{}", b"\xff\xfe", b'{"actor_name": "os.system", "args": ["x"]}')):
        for queue in QUEUES:
            valkey.hset(f"{NAMESPACE}:{queue}.msgs", f"junk-{number}", junk)
            valkey.rpush(f"{NAMESPACE}:{queue}", f"junk-{number}")
    site.open()
    assert (await site.ended(execution))["status"] == "completed"
    site.one_effect(execution)
    assert await site.attempts(execution) == ["completed"] * 3
    after = await site.start(flow)
    assert (await site.ended(after))["status"] == "completed"
    valkey.delete(*(f"{NAMESPACE}:{queue}{part}" for queue in QUEUES for part in ("", ".msgs")))
