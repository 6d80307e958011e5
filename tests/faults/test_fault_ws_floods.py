"""T-WS: what a client may do below the messages: fragments, pings and packed frames without end harm nobody else."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from tests.faults.websocket import Socket

TEXT, GOES_ON, PING = 1, 0, 9
FIN, PACKED = 0x80, 0x40
MIB = 2**20
GROWS_MAX = 300 * MIB


class Raw(Socket):
    """One that sends frames as it likes."""

    async def frame(self, head: int, body: bytes) -> None:
        size = len(body)
        told = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2)
        self._writer.write(bytes([head]) + told + bytes(4) + body)  # the mask of zeros changes nothing
        await self._writer.drain()

    async def ended(self) -> str:
        """Why the server has closed it."""
        try:
            while True:
                await self.hear()
        except (ConnectionError, OSError) as error:
            return str(error)


async def opened(site) -> Raw:
    ticket = (await site.post("/ws-tickets"))["ticket"]
    return await Raw.connect(site.stack.port, ticket)


def memory(site) -> int:
    """Bytes of the API's processes."""
    (api,) = site.stack.apis
    pid = api.pid
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in pids) * os.sysconf("SC_PAGE_SIZE")


async def pong_s(other: Raw) -> float:
    """How long somebody else waits for an answer."""
    began = time.monotonic()
    await other.say(op="ping")
    assert (await other.hear())["op"] == "pong"
    return time.monotonic() - began


@pytest.mark.slow
async def test_floods_below_the_messages_harm_nobody_else(site):
    other = await opened(site)
    alone = max([await pong_s(other) for _ in range(5)])
    before = memory(site)

    packed = await opened(site)
    await packed.frame(FIN | PACKED | TEXT, b"\x00" * 100)
    assert "closed" in await packed.ended() or "hung up" in await packed.ended(), "nobody agreed to packed frames"

    whole = json.dumps({"op": "ping", "channel": "x" * 70_000}).encode()
    parts = await opened(site)
    for number, at in enumerate(range(0, len(whole), 1_000)):
        last = FIN if at + 1_000 >= len(whole) else 0
        await parts.frame(last | (GOES_ON if number else TEXT), whole[at : at + 1_000])
    assert "4400" in await parts.ended(), "in parts it is as long as in one"

    pings, endless, waits = await opened(site), await opened(site), []

    async def flood() -> None:
        for _ in range(20_000):
            await pings.frame(FIN | PING, b"")

    async def never_ending() -> None:
        await endless.frame(TEXT, b"[" * 60_000)
        while True:
            await endless.frame(GOES_ON, b"[" * 60_000)

    async def reading() -> None:
        await pings.ended()

    tasks = [asyncio.create_task(one()) for one in (flood, never_ending, reading)]
    try:
        for _ in range(10):
            waits.append(await pong_s(other))
            await asyncio.sleep(0.3)
        cut, _ = await asyncio.wait([tasks[1]], timeout=60)
        assert cut, "a message without end is cut"
        assert isinstance(tasks[1].exception(), ConnectionError | OSError)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    print(f"\nothers: {alone:.3f} s alone, {max(waits):.3f} s beside; memory {(memory(site) - before) / MIB:+.0f} MiB")
    assert max(waits) < 5
    assert memory(site) - before < GROWS_MAX
    assert await pong_s(other) < 5
    for one in (other, pings, endless, packed, parts):
        one.close()
