"""Who is connected by a WebSocket, and who was within 30 days."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from headrace.accounts import sockets
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from msgspec import Struct

from headrace_web.deps import Context
from headrace_web.envelope import Envelope, Paging, page_of, shown
from headrace_web.guards import permission


class WebsocketConnectionOut(Struct, kw_only=True):
    """A socket. What it listens to is as of its last heartbeat, 30 seconds ago at most."""

    id: UUID
    user_id: UUID | None
    organization_id: UUID
    connection_type: str
    subscribed_to: list[str]
    connected_at: datetime
    last_heartbeat_at: datetime
    disconnected_at: datetime | None
    is_active: bool


class WebsocketConnectionsController(Controller):
    """Sockets."""

    path = "/websocket-connections"
    tags = ("websocket connections",)

    @get("/", opt=permission("audit:read"))
    async def list_sockets(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], is_active: FromQuery[bool | None] = None
    ) -> Envelope[list[WebsocketConnectionOut]]:
        """Sockets of the organization, newest first."""
        async with ctx.transaction() as session:
            rows, total = await sockets.list_(
                session, ctx.organization_id, active=is_active, limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(WebsocketConnectionOut, row) for row in rows], total, paging)
