"""Rates: exact in Redis under parallel calls, the same without it and stricter; a refused call takes nothing."""

import asyncio
import time

import pytest
from headrace.infra import rates
from headrace.infra.rates import RATES, SCRIPT, Bucket, Local, Rate, rates_of, verdict
from headrace.sdk.errors import ConfigError
from redis.asyncio import Redis


@pytest.fixture
async def client(redis_url):
    opened = Redis.from_url(redis_url, max_connections=300)
    yield opened
    await opened.aclose()


@pytest.fixture
def later(client):
    """Lets time pass for a bucket: it keeps the moment at which it will be full."""

    async def move(bucket, seconds):
        await client.set(bucket.key, int(await client.get(bucket.key)) - seconds * 1_000_000)

    return move


@pytest.fixture
def take(client):
    script = client.register_script(SCRIPT)

    async def ask(*buckets, cost=1):
        numbers = [number for bucket in buckets for number in (bucket.rate.every_us, bucket.rate.most)]
        return verdict(buckets, await script(keys=[bucket.key for bucket in buckets], args=[*numbers, cost]))

    return ask


async def test_of_two_hundred_at_once_at_fifty_exactly_fifty_pass(take):
    bucket = Bucket("a", Rate(50, 3_600))
    answers = await asyncio.gather(*(take(bucket) for _ in range(200)))
    assert sum(answer.allowed for answer in answers) == 50
    assert sorted(answer.remaining for answer in answers if answer.allowed) == list(range(50))


async def test_refused_calls_take_nothing_and_one_comes_back_at_a_time(take, later):
    bucket = Bucket("b", Rate(4, 3_600))
    assert [(await take(bucket)).allowed for _ in range(4)] == [True] * 4
    for _ in range(20):
        refused = await take(bucket)
        assert not refused.allowed
    assert 800 < refused.retry_after_s <= 900
    assert refused.remaining == 0
    await later(bucket, 900)
    assert (await take(bucket)).allowed
    assert not (await take(bucket)).allowed, "only one has come back"
    await later(bucket, 3_600)
    assert [(await take(bucket)).allowed for _ in range(5)] == [True] * 4 + [False], (
        "the edge of a window gives no more"
    )


async def test_all_buckets_are_taken_or_none(take):
    wide, narrow = Bucket("wide", Rate(100, 3_600)), Bucket("narrow", Rate(2, 60))
    assert [(await take(wide, narrow)).allowed for _ in range(5)] == [True, True, False, False, False]
    assert (await take(wide, cost=0)).remaining == 98
    tight = await take(wide, narrow, cost=0)
    assert (tight.limit, tight.remaining, tight.allowed) == (2, 0, True), "the fullest is told; looking costs nothing"
    assert (await take(wide)).reset_s == pytest.approx(3 * 36, abs=2)


def test_without_redis_a_quarter_is_allowed(monkeypatch):
    local, bucket = Local(), Bucket("c", Rate(40, 3_600))
    assert sum(local.take([bucket]).allowed for _ in range(100)) == 10
    assert local.take([Bucket("d", Rate(1, 60))]).allowed
    refused = local.take([bucket])
    assert (refused.limit, refused.remaining) == (10, 0)
    assert 0 < refused.retry_after_s <= 360
    later = time.monotonic() + 361
    monkeypatch.setattr(rates.time, "monotonic", lambda: later)
    assert local.take([bucket]).allowed
    assert not local.take([bucket]).allowed


def test_the_memory_of_a_process_is_bounded(monkeypatch):
    monkeypatch.setattr(rates, "KEEP", 100)
    local = Local()
    for number in range(500):
        local.take([Bucket(str(number), Rate(5, 60))])
    assert len(local._full) == 100


def test_the_settings_change_some_of_them():
    changed = rates_of(("anonymous=100/h", "route = 600/m", "webhook=0/s"))
    assert changed["anonymous"] == Rate(100, 3_600)
    assert changed["route"] == Rate(600, 60)
    assert changed["webhook"].most == 0
    assert changed["user"] == RATES["user"] == Rate(10_000, 3_600)
    assert RATES["anonymous"] == Rate(50, 3_600)


@pytest.mark.parametrize("text", ["anonymous", "nobody=5/h", "anonymous=5/d", "anonymous=-5/h", "anonymous=5"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ConfigError, match="HEADRACE_RATE_LIMITS"):
        rates_of((text,))


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("callers", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
async def test_a_flood_of_callers_leaves_room_for_the_queue(client, callers):
    """Each address that asks is a bucket; all go by themselves, and a million are less than our own Valkey may hold."""
    await client.flushdb()
    script = client.register_script(SCRIPT)
    rate, sha = Rate(50, 3_600), await client.script_load(script.script)
    before = (await client.info("memory"))["used_memory"]
    for first in range(0, callers, 10_000):
        async with client.pipeline(transaction=False) as pipe:
            for number in range(first, first + 10_000):
                pipe.evalsha(sha, 1, f"headrace:rate:anonymous:2001:db8:{number >> 16:x}:{number & 65535:x}::/64",
                             rate.every_us, rate.most, 1)  # fmt: skip
            await pipe.execute()
    taken = (await client.info("memory"))["used_memory"] - before
    print(f"\n{callers:,} callers: {taken / 2**20:.0f} MiB in Valkey, {taken / callers:.0f} bytes each")
    assert await client.dbsize() == callers
    assert taken / callers < 200
    key = await client.randomkey()
    assert 0 < await client.pttl(key) <= rate.every_us / 1_000
    await client.flushdb()
