"""Backfills: a flow for each step of a time span."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from headrace.access.resolve import reach
from headrace.triggers import backfills
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct, field

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, ok, page_of
from headrace_web.guards import permission, scoped


class BackfillOut(Struct, kw_only=True):
    """A backfill; the counts are of its executions."""

    id: UUID
    flow_id: UUID
    from_at: datetime
    to_at: datetime
    step: str
    timezone: str
    parallelism: int
    status: str
    next_at: datetime
    started: int
    error: str | None
    created_at: datetime
    completed_at: datetime | None
    open: int = 0
    completed: int = 0
    failed: int = 0


class BackfillBody(ApiStruct):
    """A new backfill: the flow is executed for each `step` from `from` to `to`."""

    target: UUID
    from_at: datetime = field(name="from")
    to_at: datetime = field(name="to")
    step: str = "1d"
    timezone: str = "UTC"
    parallelism: Annotated[int, Meta(ge=1, le=100)] = 1
    variables: dict[str, Any] = {}


class BackfillsController(Controller):
    """Backfills."""

    path = "/backfills"
    tags = ("backfills",)

    @get("/", opt=scoped("schedule:read"))
    async def list_backfills(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], flow_id: FromQuery[UUID | None] = None
    ) -> Envelope[list[BackfillOut]]:
        """Backfills, newest first; counts only where one is asked for by its id."""
        async with ctx.transaction() as session:
            rows, total = await backfills.list_(
                session, ctx.actor, flow_id=flow_id, limit=paging.limit, offset=paging.offset
            )
        return page_of([_shown(row) for row in rows], total, paging)

    @post("/", opt=scoped("schedule:create"), status_code=202)
    async def create_backfill(
        self, ctx: NamedDependency[Context], data: JSONBody[BackfillBody]
    ) -> Envelope[BackfillOut]:
        """Begin a backfill; its executions come after all others."""
        async with ctx.transaction() as session:
            for right in ("schedule:create", "flow:execute"):
                await reach(session, ctx.actor, right, "flow", data.target)
            return ok(_shown(await backfills.create(
                session, ctx.actor, flow_id=data.target, from_at=data.from_at, to_at=data.to_at, step=data.step,
                timezone=data.timezone, parallelism=data.parallelism, variables=data.variables,
            )))  # fmt: skip

    @get("/{backfill_id:uuid}", opt=permission("schedule:read"))
    async def get_backfill(self, ctx: NamedDependency[Context], backfill_id: FromPath[UUID]) -> Envelope[BackfillOut]:
        """One backfill, and how far it is."""
        async with ctx.transaction() as session:
            return ok(_shown(await backfills.get(session, ctx.actor, backfill_id)))

    @post("/{backfill_id:uuid}/pause", opt=permission("schedule:update"), status_code=200)
    async def pause_backfill(self, ctx: NamedDependency[Context], backfill_id: FromPath[UUID]) -> Envelope[BackfillOut]:
        """Start no more steps for now."""
        return ok(await _changed(ctx, backfill_id, "paused"))

    @post("/{backfill_id:uuid}/resume", opt=permission("schedule:update"), status_code=200)
    async def resume_backfill(
        self, ctx: NamedDependency[Context], backfill_id: FromPath[UUID]
    ) -> Envelope[BackfillOut]:
        """Go on."""
        return ok(await _changed(ctx, backfill_id, "running"))

    @post("/{backfill_id:uuid}/cancel", opt=permission("schedule:update"), status_code=200)
    async def cancel_backfill(
        self, ctx: NamedDependency[Context], backfill_id: FromPath[UUID]
    ) -> Envelope[BackfillOut]:
        """Start no more steps; what has started goes on."""
        return ok(await _changed(ctx, backfill_id, "cancelled"))


async def _changed(ctx: Context, backfill_id: UUID, status: str) -> BackfillOut:
    async with ctx.transaction() as session:
        return _shown(await backfills.change(session, ctx.actor, backfill_id, status))


def _shown(row: dict[str, Any]) -> BackfillOut:
    return BackfillOut(**{name: row[name] for name in BackfillOut.__struct_fields__ if name in row})
