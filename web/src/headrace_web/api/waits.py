"""What executions wait for: approvals that people decide, and calls from outside."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from headrace.access.resolve import reach_of
from headrace.accounts import service as accounts
from headrace.executions import service as executions
from headrace.executions import waits
from headrace.sdk.errors import Denied, NotFound
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, ok
from headrace_web.guards import PUBLIC, limited, permission, scoped
from headrace_web.services import Services

Status = Literal["open", "resumed", "expired", "cancelled"]


class Decision(ApiStruct):
    """Answers to the form."""

    answers: dict[str, Any] = {}


class Delegate(ApiStruct):
    """Who decides instead."""

    assignees: list[str]


class ResumeBody(ApiStruct):
    """The token at the end of a wait's address, and what the step that waits gets."""

    token: str
    payload: dict[str, Any] = {}


class ApprovalsController(Controller):
    """Approvals."""

    path = "/approvals"
    tags = ("waits",)

    @get("/", opt=scoped("execution:read"))
    async def list_approvals(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], status: FromQuery[Status] = "open"
    ) -> Envelope[list[dict[str, Any]]]:
        """Approvals, oldest first."""
        async with ctx.transaction() as session:
            return ok(
                await waits.find(
                    session, ctx.organization_id, kind="approval", status=status, limit=paging.limit,
                    offset=paging.offset, within=reach_of(ctx.actor, "execution:read"),
                )
            )  # fmt: skip

    @post("/{wait_id:uuid}/approve", opt=permission("approval:decide"), status_code=200)
    async def approve(
        self, ctx: NamedDependency[Context], wait_id: FromPath[UUID], data: JSONBody[Decision | None] = None
    ) -> Envelope[dict[str, UUID]]:
        """Decide with yes."""
        return await _decide(ctx, wait_id, data, approved=True)

    @post("/{wait_id:uuid}/reject", opt=permission("approval:decide"), status_code=200)
    async def reject(
        self, ctx: NamedDependency[Context], wait_id: FromPath[UUID], data: JSONBody[Decision | None] = None
    ) -> Envelope[dict[str, UUID]]:
        """Decide with no."""
        return await _decide(ctx, wait_id, data, approved=False)

    @post("/{wait_id:uuid}/delegate", opt=permission("approval:decide"), status_code=200)
    async def delegate(
        self, ctx: NamedDependency[Context], wait_id: FromPath[UUID], data: JSONBody[Delegate]
    ) -> Envelope[dict[str, UUID]]:
        """Give the decision to others."""
        async with ctx.transaction() as session:
            await _may_decide(ctx, session, wait_id)
            await waits.assign(session, ctx.organization_id, wait_id, data.assignees)
        return ok({"id": wait_id})


class WaitsController(Controller):
    """Calls that executions wait for."""

    path = "/"
    tags = ("waits",)

    @get("/executions/{execution_id:uuid}/waits", opt=permission("execution:read"))
    async def list_waits(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[list[dict[str, Any]]]:
        """What the execution waits for, or has waited for."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            return ok(await waits.find(session, ctx.organization_id, execution_id=execution_id, status=None))

    @post("/executions/{execution_id:uuid}/resume", opt=permission("flow:execute"), status_code=202)
    async def resume_execution(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID], data: JSONBody[ResumeBody]
    ) -> Envelope[dict[str, UUID]]:
        """Let an execution that waits for a call go on, by the token of its address."""
        async with ctx.transaction() as session:
            await executions.get(session, ctx.organization_id, execution_id)
            await waits.resume_execution(session, ctx.organization_id, execution_id, data.payload, token=data.token)
        return ok({"execution_id": execution_id})

    @post("/waits/{wait_id:uuid}/address", opt=permission("flow:execute"), status_code=200)
    async def make_address(
        self, ctx: NamedDependency[Context], request: Request[Any, Any, Any], wait_id: FromPath[UUID]
    ) -> Envelope[dict[str, str]]:
        """Make the address that ends the wait; it works once, an earlier one is void."""
        async with ctx.transaction() as session:
            token = await waits.new_token(session, ctx.organization_id, wait_id)
        base = str(request.base_url).rstrip("/")
        return ok({"url": f"{base}/api/v1/resume/{ctx.organization_id}/{wait_id}/{token}"})

    @post(
        "/resume/{organization_id:uuid}/{wait_id:uuid}/{token:str}",
        opt={**PUBLIC, **limited("webhook")},
        status_code=202,
        security=[],
    )
    async def resume(
        self, services: NamedDependency[Services], organization_id: FromPath[UUID], wait_id: FromPath[UUID],
        token: FromPath[str], data: JSONBody[dict[str, Any] | None] = None,
    ) -> Envelope[dict[str, UUID]]:  # fmt: skip
        """Let an execution go on; the address is the right to do so."""
        async with services.database.transaction(organization_id) as session:
            execution_id = await waits.resume(session, organization_id, wait_id, data or {}, token=token)
        return ok({"execution_id": execution_id})


async def _decide(ctx: Context, wait_id: UUID, data: Decision | None, *, approved: bool) -> Envelope[dict[str, UUID]]:
    payload = {**(data.answers if data else {}), "approved": approved}
    async with ctx.transaction() as session:
        await _may_decide(ctx, session, wait_id)
        execution_id = await waits.resume(session, ctx.organization_id, wait_id, payload, by=ctx.actor.user_id)
    return ok({"execution_id": execution_id})


async def _may_decide(ctx: Context, session: AsyncSession, wait_id: UUID) -> None:
    wait = await waits.get(session, ctx.organization_id, wait_id)
    if wait.kind != "approval":
        raise NotFound("there is no such approval, or it is over")
    if not wait.assignees or ctx.actor.role in {"admin", "owner"}:
        return
    user = await accounts.user_by_id(session, ctx.actor.user_id) if ctx.actor.user_id else None
    if user is None or user.email not in wait.assignees:
        raise Denied("this approval was given to others; ask one of them, or an admin")
