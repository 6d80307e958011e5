"""A WebSocket client of a few lines: enough for what our server says."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any


class Socket:
    """An open socket; `ConnectionError` when the server is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, port: int, ticket: str) -> Socket:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: headrace.v1, ticket.{ticket}\r\n\r\n".encode()
        )
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            raise ConnectionError("the server hung up") from None
        if b" 101 " not in head.splitlines()[0]:
            raise ConnectionError(head.decode(errors="replace"))
        return cls(reader, writer)

    async def say(self, **command: Any) -> None:
        body, mask = json.dumps(command).encode(), os.urandom(4)
        size = bytes([0x80 | len(body)]) if len(body) < 126 else bytes([0x80 | 126]) + len(body).to_bytes(2)
        self._writer.write(b"\x81" + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body)))
        await self._writer.drain()

    async def hear(self) -> dict[str, Any]:
        """The next message; pings are passed over."""
        while True:
            try:
                kind, size = await self._reader.readexactly(2)
                if size >= 126:
                    size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
                body = await self._reader.readexactly(size)
            except asyncio.IncompleteReadError:
                raise ConnectionError("the server hung up") from None
            if kind & 15 == 1:
                return dict(json.loads(body))
            if kind & 15 == 8:
                raise ConnectionError(f"the server closed with {int.from_bytes(body[:2])}")

    def close(self) -> None:
        self._writer.transport.abort()
