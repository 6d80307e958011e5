"""A service on loopback that takes its time: `/rows` after half a second, `/endless` page after page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ANSWER_S = 0.5
PAGE_S = 0.1


class Service:
    """What was asked of it so far, and how often at a time."""

    def __init__(self, rows: int) -> None:
        self._rows = json.dumps([{"id": n, "name": f"name {n % 97}"} for n in range(rows)]).encode()
        self.asked = self.most = self._open = 0

    def _page(self) -> bytes:
        """Rows that no page before had."""
        return json.dumps([{"id": self.asked * 10 + n, "name": "more"} for n in range(10)]).encode()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests of one connection until it is closed."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked += 1
                self._open += 1
                self.most = max(self.most, self._open)
                endless = b"/endless" in head.split(b"\r\n", 1)[0]
                await asyncio.sleep(PAGE_S if endless else ANSWER_S)
                self._open -= 1
                body = self._page() if endless else self._rows
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                             % (len(body), body))  # fmt: skip
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(rows: int = 1_000) -> AsyncIterator[tuple[str, Service]]:
    """Its address and itself."""
    service = Service(rows)
    async with await asyncio.start_server(service.answer, "127.0.0.1", 0, backlog=1024) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", service
        server.close()
