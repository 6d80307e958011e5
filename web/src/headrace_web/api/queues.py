"""Queues, dead letters and workers."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from headrace.executions import queues
from headrace.sdk.errors import NotFound
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, ok, page_of
from headrace_web.guards import OF_ACCOUNTS, permission


class PauseBody(ApiStruct):
    """Why."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class QueuesController(Controller):
    """Queues."""

    path = "/queues"
    tags = ("queues",)

    @get("/", opt=permission("execution:read"))
    async def list_queues(self, ctx: NamedDependency[Context]) -> Envelope[list[dict[str, Any]]]:
        """Every queue: depth and oldest age of your organization's work, throughput, workers, whether it is paused."""
        async with ctx.transaction() as session:
            return ok(await queues.overview(session, ctx.organization_id))

    @post("/{queue:str}/pause", opt={**permission("system:manage"), **OF_ACCOUNTS}, status_code=200)
    async def pause_queue(
        self, ctx: NamedDependency[Context], queue: FromPath[str], data: JSONBody[PauseBody | None] = None
    ) -> Envelope[dict[str, str]]:
        """Claim nothing more from the queue, in the whole installation; what runs goes on."""
        async with ctx.transaction() as session:
            await queues.pause(session, ctx.actor, queue, reason=data.reason if data else "")
        return ok({"queue": queue})

    @post("/{queue:str}/resume", opt={**permission("system:manage"), **OF_ACCOUNTS}, status_code=200)
    async def resume_queue(self, ctx: NamedDependency[Context], queue: FromPath[str]) -> Envelope[dict[str, str]]:
        """Claim from the queue again."""
        async with ctx.transaction() as session:
            await queues.resume(session, ctx.actor, queue)
        return ok({"queue": queue})

    @get("/dead-letters", opt=permission("execution:read"))
    async def list_dead_letters(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[dict[str, Any]]]:
        """Steps that took down their workers too often, with the reason, newest first."""
        async with ctx.transaction() as session:
            rows, total = await queues.dead_letters(
                session, ctx.organization_id, limit=paging.limit, offset=paging.offset
            )
        return page_of(rows, total, paging)

    @post("/dead-letters/{execution_id:uuid}/retry", opt=permission("execution:retry"), status_code=202)
    async def retry_dead_letter(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Execute again what did not complete; a dead letter is retried once."""
        async with ctx.transaction() as session:
            new = await queues.retry_dead(session, ctx.actor, execution_id, ctx.services.host)
        return ok({"execution_id": new, "id": new})

    @post("/dead-letters/{execution_id:uuid}/discard", opt=permission("execution:retry"), status_code=200)
    async def discard_dead_letter(
        self, ctx: NamedDependency[Context], execution_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Take it off the list; the execution stays as failed."""
        async with ctx.transaction() as session:
            await queues.discard_dead(session, ctx.organization_id, execution_id)
        return ok({"execution_id": execution_id})


class WorkersController(Controller):
    """Workers."""

    path = "/workers"
    opt = OF_ACCOUNTS
    tags = ("queues",)

    @get("/", opt=permission("system:manage"))
    async def list_workers(self, ctx: NamedDependency[Context]) -> Envelope[list[dict[str, Any]]]:
        """Every worker of the installation: plugin set, queues, slots, how busy, seconds since it was heard."""
        async with ctx.transaction() as session:
            return ok(await queues.workers(session, ctx.actor))

    @post("/{worker_id:str}/drain", opt=permission("system:manage"), status_code=202)
    async def drain_worker(self, ctx: NamedDependency[Context], worker_id: FromPath[str]) -> Envelope[dict[str, str]]:
        """Let a worker finish what it has and take nothing more, until it is started again."""
        try:
            wanted = UUID(worker_id)
        except ValueError:
            raise NotFound("there is no such worker; it may have stopped", resource="worker") from None
        async with ctx.transaction() as session:
            await queues.drain(session, ctx.actor, wanted)
        return ok({"id": worker_id})
