"""A proxy in front of PostgreSQL that counts what the client says, and cuts everything after the k-th message."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit, urlunsplit

_BEFORE_START = {80877103, 80877104}  # SSLRequest, GSSENCRequest


class Proxy:
    """Forwards whole messages. After `cut_after` of them the server has the last one, and the client no answer."""

    def __init__(self, url: str, cut_after: int) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._parts = parts
        self._cut_after = cut_after
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.seen = 0
        self.cut = asyncio.Event()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._drop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        port = self._server.sockets[0].getsockname()[1]
        login = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{login}@127.0.0.1:{port}"))

    def _drop(self) -> None:
        for writer in self._writers:
            with contextlib.suppress(Exception):
                writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut.is_set():
            writer.transport.abort()
            return
        there, out = await asyncio.open_connection(*self._target)
        self._writers += [writer, out]
        for work in (self._forward(reader, out), self._back(there, writer)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.cut.is_set():
                    return
                writer.write(data)
                await writer.drain()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started = False
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not self.cut.is_set():
                kind = await reader.readexactly(1) if started else b""
                size = await reader.readexactly(4)
                body = await reader.readexactly(int.from_bytes(size) - 4)
                started = started or int.from_bytes(body[:4]) not in _BEFORE_START
                writer.write(kind + size + body)
                await writer.drain()
                self.seen += 1
                if self.seen == self._cut_after:
                    self.cut.set()
                    await asyncio.sleep(0.02)  # what it may still do with that message, it does
                    self._drop()
