"""For tests: a WebSocket to the application, in the test's own event loop."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from litestar.exceptions import WebSocketDisconnect


async def ticket_of(client: Any, person: Any) -> str:
    """For one socket of somebody."""
    return str((await client.post("/api/v1/ws-tickets", headers=person.headers)).json()["data"]["ticket"])


class Wire:
    """A WebSocket to the application in this event loop, where its database and Redis clients live."""

    def __init__(self, app: Any, ticket: str | None, path: str, headers: dict[str, str]) -> None:
        offered = ", ".join(["headrace.v1", *([f"ticket.{ticket}"] if ticket is not None else [])])
        sent = {"host": "127.0.0.1:8080", "sec-websocket-protocol": offered, **headers}
        self._scope = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": path,
            "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8080), "subprotocols": offered.split(", "), "extensions": {},
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        }  # fmt: skip
        self._app = app
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.accepted = False

    async def __aenter__(self) -> Wire:
        self._task = asyncio.create_task(self._app(self._scope, self._in.get, self._out.put))
        self._in.put_nowait({"type": "websocket.connect"})
        first = await self._next()
        if (first["type"], first["subprotocol"]) != ("websocket.accept", "headrace.v1"):
            raise RuntimeError(f"the socket was not accepted: {first}")
        self.accepted = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(10):
            await self._task

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            message = await self._out.get()
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(code=message["code"], detail=message.get("reason") or "")
        return message

    async def send_text(self, text: str) -> None:
        """A client's words."""
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    async def receive_text(self) -> str:
        """The server's next words."""
        return str((await self._next())["text"])


def connect(client: Any, ticket: str | None, path: str = "/ws", **headers: str) -> Wire:
    """A socket to the application that `client` calls."""
    return Wire(client.app, ticket, path, headers)


async def say(socket: Wire, **command: Any) -> Any:
    """A command, and what comes next."""
    await socket.send_text(json.dumps(command))
    return json.loads(await socket.receive_text())
