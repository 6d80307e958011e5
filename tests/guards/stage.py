"""Where guards are taken away: the site with both organizations, and looks at it that tell what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from headrace.infra.settings import Settings
from msgspec import Struct

from tests.tenancy.matrix import Cell, Judge
from tests.tenancy.operations import Document
from tests.tenancy.oracle import Owner
from tests.tenancy.things import make, side_of
from tests.tenancy.world import Side, Site

API = "/api/v1"


class Stage(Struct, kw_only=True):
    """Everything a look needs."""

    site: Site
    settings: Settings
    document: Document
    mine: Side
    theirs: Side

    async def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """An answer to one of my people."""
        return await self.site.call(method, path, {**self.mine.people[who].headers, **headers}, body)

    async def ticket(self) -> str:
        """A good one."""
        return (await self.call("owner", "POST", f"{API}/ws-tickets")).json()["data"]["ticket"]

    async def socket(self, ticket: str, origin: str = "http://127.0.0.1:8080") -> int:
        """The code with which a socket is refused; 0 when it is let in."""
        offered = ["headrace.v1", f"ticket.{ticket}"]
        headers = {"host": "127.0.0.1:8080", "origin": origin, "sec-websocket-protocol": ", ".join(offered)}
        scope = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": "/ws",
            "raw_path": b"/ws", "query_string": b"", "root_path": "", "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8080), "subprotocols": offered, "extensions": {},
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        heard.put_nowait({"type": "websocket.connect"})
        serving = asyncio.create_task(self.site.app(scope, heard.get, said.put))
        async with asyncio.timeout(10):
            first = await said.get()
            heard.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await serving
        return 0 if first["type"] == "websocket.accept" else int(first["code"])


Look = Callable[[Stage], Awaitable[list[str]]]


async def staged(site: Site, settings: Settings) -> Stage:
    """The stage, with everything on it, also in the trash."""
    mine, theirs = [await side_of(site, name) for name in ("alphacanary", "betacanary")]
    stage = Stage(site=site, settings=settings, document=Document(site.app), mine=mine, theirs=theirs)
    gone = await stage.call("owner", "DELETE", f"{API}/flows/{await make(site, mine, 'flow_id')}")
    assert gone.is_success, gone.text
    return stage


def cell(operation: str, principal: str, owner: Owner = "own") -> Look:
    """What the matrix says of one cell."""

    async def look(stage: Stage) -> list[str]:
        judge = Judge(stage.site, stage.document, stage.mine, stage.theirs)
        found = next(one for one in stage.document.operations if one.id == operation)
        await judge.judge(Cell(found, principal, owner))
        return judge.wrong

    return look


def status(want: int, who: str, method: str, path: str, body: Any = None, **headers: str) -> Look:
    """Whether an address answers with this status; `{name}` in it is one of my ids."""

    async def look(stage: Stage) -> list[str]:
        answer = await stage.call(who, method, path.format(**stage.mine.ids), body, **headers)
        return [] if answer.status_code == want else [f"{method} {path}: {answer.status_code} instead of {want}"]

    return look
