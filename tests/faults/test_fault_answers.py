"""A target that answers badly: too busy, broken, or not at all though it has done it. Each effect is there once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from headrace.testing.http_server import Reply, http_server, json_reply

from tests.faults.site import step, until

ROWS = 12


class Moody:
    """A receiver that knows keys: an event that it has taken already has no second effect. Some answers get lost."""

    def __init__(self, moods: list[str]) -> None:
        self.moods = moods
        self.asked: list[tuple[float, str, str]] = []
        self.done: Counter[str] = Counter()

    def __call__(self, asked) -> Reply:
        key = asked.headers["webhook-id"]
        mood = self.moods[len(self.asked)] if len(self.asked) < len(self.moods) else "fine"
        self.asked.append((time.monotonic(), key, mood))
        if mood == "busy":
            return json_reply({"message": "busy"}, 429, Retry_After="1")
        if mood == "broken":
            return json_reply({"message": "broken"}, 500)
        self.done[key] += key not in self.done
        if mood == "lost":
            raise ConnectionError("it has done it, and nobody hears of it")
        return json_reply({"ok": True})


async def sending(site, url: str, rows: int, **data) -> str:
    """A flow that sends an event for each row."""
    name = f"C{time.monotonic_ns()}"
    await site.post("/connections", {"name": name, "connector": "webhook_out", "config": {"url": url}})
    config = {"connection": name, "values": {"type": "row.made"}, "columns": {"data": "id"}}
    return await site.flow(
        step("rows", "lab.rows", {"count": rows}), step("send", "webhook_out.send", config, **data),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mood", ["busy", "broken", "lost"])
async def test_a_target_that_answers_badly_gets_each_event_once(site, mood, record_property):
    """F21: asked again under the same key, not before it said."""
    moody = Moody([mood, "fine", mood, mood, "fine"])
    with http_server(moody) as server:
        execution = await site.start(await sending(site, server.url, ROWS))
        assert (await site.ended(execution))["status"] == "completed"
    assert len(moody.done) == ROWS
    assert set(moody.done.values()) == {1}
    repeats = len(moody.asked) - ROWS
    assert repeats == 3
    waits = [b[0] - a[0] for a, b in zip(moody.asked, moody.asked[1:], strict=False) if a[2] == mood]
    assert all(a[1] == b[1] for a, b in zip(moody.asked, moody.asked[1:], strict=False) if a[2] == mood), "same key"
    if mood == "busy":
        assert min(waits) >= 1, "it was asked before it wanted to be"
    record_property("figure", (f"answers_{mood}", f"Asked again after an answer that is {mood}", "s", waits))


@pytest.mark.slow
async def test_a_worker_that_dies_amid_its_calls_sends_the_same_keys_again(site, record_property):
    """F21: the next attempt begins anew; who knows keys sees no event twice."""
    moody = Moody([])

    def slow(asked):
        time.sleep(0.1)
        return moody(asked)

    with http_server(slow) as server:
        flow = await sending(site, server.url, ROWS, retry={"max": 3, "delay_s": 0})
        execution = await site.start(flow)
        await until(lambda: len(moody.asked) >= 4)
        for worker in site.stack.workers:
            worker.kill()
            worker.start()
        assert (await site.ended(execution))["status"] == "completed"
        await asyncio.sleep(0)
    assert (len(moody.done), set(moody.done.values())) == (ROWS, {1})
    repeats = len(moody.asked) - ROWS
    assert repeats >= 3, "it was not killed amid its calls"
    record_property(
        "figure", ("answers_repeated", "Calls repeated under the same key after a kill", "calls", [repeats])
    )
