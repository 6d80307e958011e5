"""Where organizations live: databases of their own, for platform admins."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from headrace.entitlements import homes, subscriptions
from headrace.infra.moving import TO_OWN, TO_SHARED, Mover
from litestar import Controller, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok, shown
from headrace_web.guards import OF_ACCOUNTS, permission


class HomeBody(ApiStruct):
    """Where to: a name for the database, or `name@host:port` on a server that the operator has named; empty is ours."""

    place: Annotated[str, Meta(max_length=300)] = ""


class HomeOut(Struct, kw_only=True):
    """An organization's database: `step` is what comes next, `note` why it does not go on."""

    id: UUID
    place: str
    state: str
    goal: str
    step: str
    note: str


class MovePreview(Struct, kw_only=True):
    """What a move would do: its steps, and rows by table."""

    steps: list[str]
    rows: dict[str, int]


class HomesController(Controller):
    """Databases of organizations."""

    path = "/system/homes"
    opt = {**permission("system:manage"), **OF_ACCOUNTS}
    tags = ("homes",)

    @get("/")
    async def list_homes(self, ctx: NamedDependency[Context]) -> Envelope[list[HomeOut]]:
        """Organizations with a database of their own, and those on their way."""
        async with ctx.transaction() as session:
            return ok([shown(HomeOut, row) for row in await homes.list_homes(session, ctx.actor)])

    @get("/{home_id:uuid}")
    async def get_home(self, ctx: NamedDependency[Context], home_id: FromPath[UUID]) -> Envelope[HomeOut]:
        """Where an organization is on its way."""
        async with ctx.transaction() as session:
            return ok(shown(HomeOut, await homes.get(session, ctx.actor, home_id)))

    @get("/{home_id:uuid}/preview")
    async def preview_move(self, ctx: NamedDependency[Context], home_id: FromPath[UUID]) -> Envelope[MovePreview]:
        """Count what would move, and change nothing."""
        async with ctx.transaction() as session, subscriptions.of(session, ctx.actor, home_id):
            there = {row.id: row.place for row in await homes.list_homes(session, ctx.actor) if row.state == "there"}
        place = there.get(home_id, "")
        rows = await asyncio.to_thread(
            Mover(ctx.services.database.url, servers=ctx.services.settings.database_servers).counts, home_id, place
        )
        return ok(MovePreview(steps=list(TO_SHARED if place else TO_OWN), rows={k: v for k, v in rows.items() if v}))

    @put("/{home_id:uuid}")
    async def give_own(
        self, ctx: NamedDependency[Context], home_id: FromPath[UUID], data: JSONBody[HomeBody]
    ) -> Envelope[HomeOut]:
        """Give an organization a database of its own; the scheduler makes it and moves everything there."""
        servers = ctx.services.settings.database_servers
        async with ctx.transaction() as session:
            return ok(shown(HomeOut, await homes.give_own(session, ctx.actor, home_id, data.place, servers)))

    @delete("/{home_id:uuid}", status_code=200)
    async def give_back(self, ctx: NamedDependency[Context], home_id: FromPath[UUID]) -> Envelope[HomeOut]:
        """Move an organization back into the shared database, and drop its own."""
        async with ctx.transaction() as session:
            return ok(shown(HomeOut, await homes.give_back(session, ctx.actor, home_id)))
