"""A closer look at executions: when each step was tried, and what is in the columns that it stored."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from headrace.executions import attempts
from headrace.executions import service as executions
from headrace.executions.attempts import Attempt
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from headrace_web.deps import Context
from headrace_web.envelope import Envelope, ok
from headrace_web.frames import stored_profile
from headrace_web.guards import permission


class Common(Struct, kw_only=True):
    """A value, and how many rows have it."""

    value: Any
    count: int


class ColumnProfile(Struct, kw_only=True):
    """What a column holds.

    `histogram` counts the values in equal parts of the range from `min` to `max`; texts and booleans have their
    commonest values. `not_finite` values (NaN, infinity) are in neither.
    """

    name: str
    type: str
    null_count: int
    distinct_count: int | None
    min: Any
    max: Any
    mean: Any
    not_finite: int
    histogram: list[int] | None
    commonest: list[Common]


class FrameProfile(Struct, kw_only=True):
    """What the columns of a step's rows hold; `whole` unless only the first `rows` were looked at."""

    rows: int
    total_rows: int
    whole: bool
    total_columns: int
    columns: list[ColumnProfile]


class ExecutionLooksController(Controller):
    """Attempts and profiles."""

    path = "/executions/{execution_id:uuid}"
    tags = ("executions",)

    @get("/attempts", opt=permission("execution:read"))
    async def list_attempts(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[list[Attempt]]:
        """When its steps were tried, with the recorded begin and end of each try, oldest first."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            return ok(await attempts.attempts(session, ctx.organization_id, execution_id))

    @get("/nodes/{node_id:str}/profile", opt=permission("execution:read"))
    async def profile_node(
        self,
        ctx: NamedDependency[Context],
        execution_id: FromPath[UUID],
        node_id: FromPath[str],
        port: FromQuery[str] = "out",
    ) -> Envelope[FrameProfile]:
        """What is in each column of the rows that a node stored in this execution."""
        async with ctx.transaction() as session:
            row = await executions.get(session, ctx.organization_id, execution_id)
            found = await executions.latest_output(
                session, ctx.organization_id, row["flow_id"], node_id, execution_id=execution_id
            )
        return ok(await stored_profile(ctx, found, port, FrameProfile))
