"""A door before any server on loopback that slows, swallows, cuts or trickles what goes through it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal

Mode = Literal["pass", "slow", "blackhole", "reset", "trickle", "half"]


class Link:
    """Forwards bytes both ways as `mode` says; a change of it counts for open connections too.

    `slow`: 300 ms a piece. `blackhole`: takes everything and passes nothing on. `reset`: cuts what is open, and what
    opens. `trickle`: one byte a second comes back. `half`: the server's side is closed, the client's stays open.
    """

    def __init__(self, host: str, port: int, mode: Mode = "pass") -> None:
        self._there = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.mode: Mode = mode
        self.opened = 0

    async def __aenter__(self) -> Link:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset what is open."""
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, near_in: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        self.opened += 1
        self._writers.add(near)
        if self.mode == "reset":
            near.transport.abort()
            return
        far_in, far = await asyncio.open_connection(*self._there)
        self._writers.add(far)
        for work in (self._pump(near_in, far, back=False), self._pump(far_in, near, back=True)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, back: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(1 if back and self.mode == "trickle" else 65_536):
                match self.mode:
                    case "reset":
                        self.cut()
                    case "blackhole":
                        continue
                    case "half" if back:
                        return
                    case "slow":
                        await asyncio.sleep(0.3)
                    case "trickle" if back:
                        await asyncio.sleep(1)
                target.write(data)
                await target.drain()
