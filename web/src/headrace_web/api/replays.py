"""Execute executions again, undo what they did, cancel many, compare two."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from headrace.executions import compare, compensation, replay
from headrace.executions import service as executions
from headrace.sdk.errors import HeadraceError
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import permission

Ids = Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=200)]


class RetryBody(ApiStruct, kw_only=True, rename={"since": "from"}):
    """What to execute again, and on which definition."""

    since: Literal["start", "failed", "node"] = "failed"
    node_ids: Annotated[list[str], msgspec.Meta(max_length=1_000)] = []
    version: Literal["same", "latest"] | Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] = "same"
    input: dict[str, Any] | None = None
    reuse: bool | None = None


class BulkBody(ApiStruct):
    """Which executions."""

    ids: Ids


class BulkRetryBody(RetryBody, kw_only=True, rename={"since": "from"}):
    """Which executions, and how each is executed again."""

    ids: Ids


class BulkOutcome(Struct, kw_only=True):
    """What came of one of many: its status, or the new execution, or why not."""

    id: UUID
    success: bool
    status: str | None = None
    execution_id: UUID | None = None
    error: dict[str, Any] | None = None


class CompensationOut(Struct, kw_only=True):
    """An effect of a step, and whether it is undone: armed while its execution may complete; how often it was tried.

    `uncertain`: the step was interrupted, so it is not known whether it has had the effect; a person says what to do.
    """

    execution_id: UUID
    node_id: str
    status: Literal["armed", "due", "running", "completed", "failed"]
    rounds: int
    uncertain: bool
    error: str | None
    compensating_execution_id: UUID | None
    armed_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class ReplaysController(Controller):
    """Executions, again and side by side."""

    path = "/executions"
    tags = ("executions",)

    @post("/{execution_id:uuid}/retry", opt=permission("execution:retry"), status_code=202)
    async def retry_execution(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID], data: JSONBody[RetryBody | None] = None
    ) -> Envelope[dict[str, Any]]:
        """Execute it again as a new execution: what failed and what follows, the whole, or from given steps on."""
        async with ctx.transaction() as session:
            new = await _again(ctx, session, execution_id, data or RetryBody())
            row = await executions.get(session, ctx.organization_id, new)
        return ok(
            {"execution_id": new, "id": new, "status": row["status"], "attempt": row["attempt"],
             "parent_execution_id": execution_id}
        )  # fmt: skip

    @get("/{execution_id:uuid}/compensations", opt=permission("execution:read"))
    async def list_compensations(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[list[CompensationOut]]:
        """Effects that can be undone, the newest first, and what became of them."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            rows = await compensation.listed(session, ctx.organization_id, execution_id)
        return ok([CompensationOut(**row) for row in rows])

    @post("/{execution_id:uuid}/compensate", opt=permission("execution:retry"), status_code=202)
    async def compensate_again(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[dict[str, Any]]:
        """Undo once more what could not be undone."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            await compensation.again(session, ctx.organization_id, execution_id)
            return ok(await executions.get(session, ctx.organization_id, execution_id))

    @post("/bulk/cancel", opt=permission("execution:cancel"), status_code=202)
    async def cancel_executions(
        self, ctx: NamedDependency[Context], data: JSONBody[BulkBody]
    ) -> Envelope[list[BulkOutcome]]:
        """Ask for the end of many; each is answered for itself."""

        async def cancel(session: AsyncSession, id_: UUID) -> BulkOutcome:
            row = await executions.cancel(session, ctx.organization_id, id_)
            return BulkOutcome(id=id_, success=True, status=row["status"], execution_id=id_)

        return ok(await _each(ctx, data.ids, cancel))

    @post("/bulk/retry", opt=permission("execution:retry"), status_code=202)
    async def retry_executions(
        self, ctx: NamedDependency[Context], data: JSONBody[BulkRetryBody]
    ) -> Envelope[list[BulkOutcome]]:
        """Execute many again; each is answered for itself."""

        async def retry(session: AsyncSession, id_: UUID) -> BulkOutcome:
            new = await _again(ctx, session, id_, data)
            return BulkOutcome(id=id_, success=True, status="queued", execution_id=new)

        return ok(await _each(ctx, data.ids, retry))

    @get("/{execution_id:uuid}/compare/{other_id:uuid}", opt=permission("execution:read"))
    async def compare_executions(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID], other_id: FromPath[UUID]
    ) -> Envelope[dict[str, Any]]:
        """Two executions of a flow side by side: status, duration, rows and error per step, and what was changed."""
        async with ctx.transaction() as session:
            return ok(await compare.compare(session, ctx.organization_id, execution_id, other_id))


async def _again(ctx: Context, session: AsyncSession, execution_id: UUID, how: RetryBody) -> UUID:
    return await replay.retry(
        session, ctx.actor, execution_id, ctx.services.host, since=how.since, node_ids=how.node_ids,
        version=how.version, input_data=how.input, reuse=how.reuse,
    )  # fmt: skip


async def _each(
    ctx: Context, ids: Iterable[UUID], do: Callable[[AsyncSession, UUID], Awaitable[BulkOutcome]]
) -> list[BulkOutcome]:
    """Each for itself, in a savepoint: what is refused does not undo the others."""
    found = []
    async with ctx.transaction() as session:
        for id_ in sorted(set(ids)):
            try:
                async with session.begin_nested():
                    found.append(await do(session, id_))
            except HeadraceError as error:
                refusal = {"code": error.code, "message": error.message}
                found.append(BulkOutcome(id=id_, success=False, error=refusal))
    return found
