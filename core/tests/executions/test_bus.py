"""The bus: channels per organization, one reader for many subscriptions, silence when Redis is away."""

from __future__ import annotations

import asyncio

import redis
from headrace.executions import live
from headrace.infra.bus import PREFIX, Bus, Message
from headrace.infra.clock import now
from headrace.infra.ids import new_id


def message(channel, number):
    return Message(channel=channel, type="node_update", data={"n": number}, timestamp=now(), seq=number)


async def heard(queue, count):
    async with asyncio.timeout(60):
        return [(await queue.get()).data["n"] for _ in range(count)]


async def test_subscribers_hear_their_channel_of_their_organization(bus, redis_url):
    one, two, sender = new_id(), new_id(), Bus.from_url(redis_url)
    async with (
        bus.subscribe(one, "execution:a") as a,
        bus.subscribe(one, "execution:b") as b,
        bus.subscribe(one, "execution:a") as a2,
    ):
        for number in range(5):
            assert await sender.publish(one, message("execution:a", number))
        await sender.publish(two, message("execution:a", 99))
        await sender.publish(one, message("execution:b", 7))
        assert await heard(a, 5) == await heard(a2, 5) == [0, 1, 2, 3, 4]
        assert await heard(b, 1) == [7]
        async with bus.subscribe(two, "execution:a") as late:
            await sender.publish(two, message("execution:a", 100))
            assert await heard(late, 1) == [100]
        assert a.empty()
    await sender.close()


async def test_without_redis_publishing_says_no_and_reading_says_so():
    away = Bus.from_url("redis://127.0.0.1:1/0")
    assert not await away.publish(new_id(), message("execution:a", 1))
    async with asyncio.timeout(60), away.subscribe(new_id(), "execution:a") as queue:
        assert await queue.get() is None
    await away.close()


async def test_what_is_no_message_is_passed_over(bus, redis_url):
    organization_id = new_id()
    async with bus.subscribe(organization_id, "execution:a") as queue:
        with redis.Redis.from_url(redis_url) as client:
            for fields in ({"m": b"junk"}, {"x": b"1"}, {"m": b"{}"}, {"m": b"\xff"}):
                client.xadd(f"{PREFIX}:{organization_id}:execution:a", fields)
        await bus.publish(organization_id, message("execution:a", 1))
        async with asyncio.timeout(60):
            heard = await queue.get()
        assert heard.seq == 1


async def test_a_feed_coalesces_and_sends_the_last_state(bus):
    organization_id, execution_id = new_id(), new_id()
    feed = live.Feed(bus, organization_id, execution_id)
    async with bus.subscribe(organization_id, live.channel(execution_id)) as queue:
        for rows in range(500):
            feed.node("a", {"node_id": "a", "rows_out": rows})
        await feed.flush()
        async with asyncio.timeout(60):
            first = await queue.get()
        assert first.data == {"node_id": "a", "rows_out": 499}
        assert queue.empty()


async def test_following_without_redis_misses_nothing(world):
    away = Bus.from_url("redis://127.0.0.1:1/0")
    execution_id = await world.start(world.graph())
    async with asyncio.timeout(60):
        following = asyncio.create_task(collect(live.follow(world.database, away, world.organization_id, execution_id)))
        await world.cancel(execution_id)
        seen = await following
    assert [(m.seq, m.data["status"]) for m in seen] == [(1, "queued"), (2, "cancelling"), (3, "cancelled")]
    assert await collect(live.follow(world.database, away, world.organization_id, execution_id, after=3)) == []
    done = await live.wait_until_terminal(world.database, away, world.organization_id, execution_id, timeout_s=60)
    assert done["status"] == "cancelled"
    await away.close()


async def collect(messages):
    return [message async for message in messages]


async def test_what_is_sent_at_the_same_time_goes_together_and_in_order(bus, redis_url, monkeypatch):
    organization_id, sender = new_id(), Bus.from_url(redis_url)
    together: list[int] = []
    send = Bus._sent_all

    async def counted(self, messages):
        together.append(len(messages))
        return await send(self, messages)

    monkeypatch.setattr(Bus, "_sent_all", counted)
    async with bus.subscribe(organization_id, "execution:a") as queue:
        sent = await asyncio.gather(*(sender.publish(organization_id, message("execution:a", n)) for n in range(50)))
        assert all(sent)
        assert await heard(queue, 50) == list(range(50))
    assert (sum(together), len(together) <= 2) == (50, True)
    await sender.close()


async def test_who_wants_the_whole_channel_hears_what_was_sent_before(bus, redis_url):
    organization_id, sender = new_id(), Bus.from_url(redis_url)
    for number in range(3):
        await sender.publish(organization_id, message("execution:a", number))
    async with bus.subscribe(organization_id, "execution:a", whole=True) as queue:
        assert await heard(queue, 3) == [0, 1, 2]
        async with bus.subscribe(organization_id, "execution:a", whole=True) as late, asyncio.timeout(60):
            assert await late.get() is None, "others have heard the first already; the database has it"
    await sender.close()
