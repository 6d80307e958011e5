"""Log lines of executions: a page, and a stream of server-sent events that goes on where it was cut."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from headrace.access.resolve import may, reach
from headrace.executions import logs
from headrace.executions import service as executions
from headrace.executions.logs import LogRow, Wanted
from headrace.sdk.errors import Denied, NotFound, Unauthenticated
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from headrace_web.deps import Context
from headrace_web.envelope import Envelope, ok
from headrace_web.guards import permission
from headrace_web.security.identity import actor_again

Level = Literal["debug", "info", "warning", "error"]
After = Annotated[int, QueryParameter(ge=0, le=2**53)]
Rows = Annotated[int, QueryParameter(ge=1, le=1_000)]
LastEventId = Annotated[int | None, HeaderParameter(name="Last-Event-ID", ge=0, le=2**53)]
TRACES = "flow:update"
"""What it takes to see a trace: it shows code, and what an engine says of its values."""
BEAT_S = 15.0
RECHECK_S = 3.0
"""Whoever may not listen any more hears no more than this longer."""
STREAM_S = 600.0
"""Then the stream ends and the browser comes again, with whatever rights it has by then."""


class ExecutionLogsController(Controller):
    """What executions have written."""

    path = "/executions/{execution_id:uuid}/logs"
    tags = ("executions",)

    @get("/", opt=permission("execution:read"))
    async def list_logs(
        self,
        ctx: NamedDependency[Context],
        execution_id: FromPath[UUID],
        after: After = 0,
        limit: Rows = 500,
        level: FromQuery[list[Level] | None] = None,
        node_id: FromQuery[str | None] = None,
        q: FromQuery[str | None] = None,
    ) -> Envelope[list[LogRow]]:
        """Log lines with an id above `after`, oldest first; traces only for those who may change the flow."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            wanted = _wanted(level, node_id, q)
            rows = await logs.find(session, ctx.organization_id, execution_id, wanted, after=after, limit=limit)
            traces = await may(session, ctx.actor, TRACES, "execution", execution_id)
            return ok(rows if traces else [logs.for_readers(row) for row in rows])

    @get("/stream", opt=permission("execution:read"))
    async def stream_logs(
        self,
        ctx: NamedDependency[Context],
        execution_id: FromPath[UUID],
        after: After = 0,
        level: FromQuery[list[Level] | None] = None,
        node_id: FromQuery[str | None] = None,
        q: FromQuery[str | None] = None,
        last_event_id: LastEventId = None,
    ) -> ServerSentEvent:
        """Each line as an event `log` with its id, as it is written; `end` when the execution has ended.

        It goes on after `Last-Event-ID`, or else after `after`. Traces are for those who may change the flow.
        """
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            traces = await may(session, ctx.actor, TRACES, "execution", execution_id)
        start = after if last_event_id is None else last_event_id
        return ServerSentEvent(_events(ctx, execution_id, _wanted(level, node_id, q), start, traces))


async def _events(
    ctx: Context, execution_id: UUID, wanted: Wanted, after: int, traces: bool
) -> AsyncIterator[ServerSentEventMessage]:
    services, organization_id = ctx.services, ctx.organization_id
    until = asyncio.get_running_loop().time() + STREAM_S
    pages = logs.follow(services.database, services.bus, organization_id, execution_id, wanted, after=after)
    coming = asyncio.ensure_future(anext(pages, None))
    try:
        beat = asked = asyncio.get_running_loop().time()
        while (at := asyncio.get_running_loop().time()) < until:
            if at - asked >= RECHECK_S:
                if not await _still(ctx, execution_id, traces):
                    return
                asked = at
            done, _ = await asyncio.wait([coming], timeout=min(BEAT_S, RECHECK_S))
            if not done:
                if asyncio.get_running_loop().time() - beat >= BEAT_S:
                    beat = asyncio.get_running_loop().time()
                    yield ServerSentEventMessage(comment="still here", data=None)
                continue
            page = coming.result()
            if page is None:
                yield ServerSentEventMessage(event="end", data="{}")
                return
            for row in page:
                shown = row if traces else logs.for_readers(row)
                yield ServerSentEventMessage(event="log", id=row.id, data=msgspec.json.encode(shown))
            coming = asyncio.ensure_future(anext(pages, None))
    finally:
        coming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await coming
        await pages.aclose()


async def _still(ctx: Context, execution_id: UUID, traces: bool) -> bool:
    """Whether who listens may still do so, traces as before; else they come again with the rights they have."""
    try:
        actor = await actor_again(ctx.services, ctx.actor)
        async with ctx.services.database.transaction(actor.organization_id, user_id=actor.user_id) as session:
            await reach(session, actor, "execution:read", "execution", execution_id)
            return await may(session, actor, TRACES, "execution", execution_id) == traces
    except (Unauthenticated, Denied, NotFound):
        return False


def _wanted(levels: list[Level] | None, node_id: str | None, text: str | None) -> Wanted:
    return Wanted(levels=tuple(levels) if levels else None, node_id=node_id, text=text)
