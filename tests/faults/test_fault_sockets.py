"""The server of live events dies with everybody connected: they come back and miss nothing."""

from __future__ import annotations

import asyncio
import random
import time

import httpx
import pytest

from tests.faults.site import ENDED, until
from tests.faults.websocket import Socket

WITHIN_S = 300
"""A thousand sockets, their server and all else share the machine."""


class Watcher:
    """A client that follows an execution to its end, through restarts of the server."""

    def __init__(self, site, execution: str) -> None:
        self.site, self.channel = site, f"execution:{execution}"
        self.seen: list[int] = []
        self.subscribed = 0
        self.back_s: list[float] = []

    async def watch(self) -> None:
        lost = None
        while True:
            try:
                if await self._follow(lost):
                    return
            except (ConnectionError, httpx.TransportError):
                lost = lost or time.monotonic()
                await asyncio.sleep(random.uniform(0.2, 1.5))

    async def _follow(self, lost: float | None) -> bool:
        ticket = await self.site.post("/ws-tickets")
        socket = await Socket.connect(self.site.stack.port, ticket["ticket"])
        try:
            await socket.say(op="subscribe", channel=self.channel, after=self.seen[-1] if self.seen else 0)
            while True:
                heard = await socket.hear()
                assert heard["op"] in {"subscribed", "event", "pong"}, heard
                if heard["op"] == "subscribed":
                    self.subscribed += 1
                    self.back_s += [time.monotonic() - lost] if lost else []
                elif heard.get("seq") is not None:
                    self.seen.append(heard["seq"])
                    if heard["type"] == "execution_update" and heard["data"]["status"] in ENDED:
                        return True
        finally:
            socket.close()


@pytest.mark.slow
@pytest.mark.parametrize("clients", [50, pytest.param(1_000, marks=pytest.mark.timeout(600))])
async def test_watchers_come_back_after_the_server_died_and_miss_nothing(site, clients, record_property):
    """F28."""
    execution = await site.start(await site.gated(gate={"wait_for": site.path("open")}))
    watchers = [Watcher(site, execution) for _ in range(clients)]
    tasks = [asyncio.create_task(watcher.watch()) for watcher in watchers]
    await until(lambda: all(watcher.subscribed for watcher in watchers), within_s=WITHIN_S, what="all to watch")
    (api,) = site.stack.apis
    api.kill()
    api.start()
    site.open()
    async with asyncio.timeout(WITHIN_S):
        await asyncio.gather(*tasks)
    (last,) = await site.rows("select event_seq as n from executions where id = :id", id=execution)
    assert {tuple(watcher.seen) for watcher in watchers} == {tuple(range(1, last.n + 1))}, "a gap or a repeat"
    back = [took for watcher in watchers for took in watcher.back_s]
    assert len(back) >= clients
    record_property("figure", ("sockets_back", "Watchers of a killed server, until they watch again", "s", back))
