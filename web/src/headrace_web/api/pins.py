"""Pinned rows of steps: they stand in for the step in test runs."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

import msgspec
from headrace.executions import pins
from headrace.executions import service as executions
from headrace.executions.rows import drop_frames, pin_frames, pin_rows
from headrace.flows import service as flows
from headrace.flows.canvas import graph_of
from headrace.sdk.errors import ConfigError, NotFound
from litestar import Controller, delete, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import permission


class PinBody(ApiStruct):
    """Rows as they are to be, or those of the step's newest execution (or of a given one)."""

    rows: list[dict[str, Any]] | None = None
    port: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = ""
    from_last_execution: bool = False
    execution_id: UUID | None = None


class PinsController(Controller):
    """Pins of a flow's steps."""

    path = "/flows/{flow_id:uuid}/nodes/{node_id:str}/pin"
    tags = ("pins",)

    @put("/", opt=permission("flow:update"))
    async def pin_node(
        self,
        ctx: NamedDependency[Context],
        flow_id: FromPath[UUID],
        node_id: FromPath[str],
        data: JSONBody[PinBody | None] = None,
    ) -> Envelope[dict[str, Any]]:
        """Pin rows to a step; test runs then take them instead of executing it."""
        organization_id, url = ctx.organization_id, ctx.services.settings.objects_url
        body = data or PinBody()
        async with ctx.transaction() as session:
            ports = await _ports(ctx, session, flow_id, node_id)
            if (body.rows is None) == (not (body.from_last_execution or body.execution_id)):
                raise ConfigError("give either 'rows', or 'from_last_execution' or an 'execution_id'", field="rows")
            found = None
            if body.rows is None:
                found = await executions.latest_output(
                    session, organization_id, flow_id, node_id, execution_id=body.execution_id
                )
                if found is None:
                    raise NotFound("this step has stored no rows yet; execute it first", resource="output")
        port = body.port or ports[0]
        if port not in ports:
            raise ConfigError(f"the step has no output '{port}'; it has {', '.join(ports)}", field="port")
        if found is not None:
            refs = await asyncio.to_thread(pin_frames, url, organization_id, flow_id, node_id, found.outputs)
        else:
            refs = await asyncio.to_thread(pin_rows, url, organization_id, flow_id, node_id, {port: body.rows or []})
        async with ctx.transaction() as session:
            old = await pins.put(
                session, organization_id, flow_id, node_id, refs, pinned_by=ctx.actor.user_id,
                execution_id=found.execution_id if found else None,
            )  # fmt: skip
            (pin,) = await pins.find(session, organization_id, flow_id, node_id)
        await asyncio.to_thread(drop_frames, url, old)
        return ok({"node_id": node_id, **pin.shown()})

    @delete("/", opt=permission("flow:update"), status_code=200)
    async def unpin_node(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], node_id: FromPath[str]
    ) -> Envelope[dict[str, str]]:
        """Let the step be executed again."""
        async with ctx.transaction() as session:
            await flows.get(session, ctx.actor, flow_id)
            old = await pins.remove(session, ctx.organization_id, flow_id, node_id)
            if not old:
                raise NotFound("nothing is pinned to this step", resource="pin")
        await asyncio.to_thread(drop_frames, ctx.services.settings.objects_url, old)
        return ok({"node_id": node_id})


async def _ports(ctx: Context, session: AsyncSession, flow_id: UUID, node_id: str) -> list[str]:
    """Output ports of a step that may be pinned.

    Raises:
        NotFound: there is no such step.
        ConfigError: it has no output, or is inside a loop.
    """
    node = graph_of((await flows.get_data(session, ctx.actor, flow_id)).definition).by_id.get(node_id)
    if node is None:
        raise NotFound("there is no such step in this flow", resource="node")
    if node.parent:
        raise ConfigError("a step inside a loop cannot be pinned; pin the loop", field="node_id")
    ports = [port.name for port in ctx.registry.node(node.type).manifest.outputs if port.kind != "control"]
    if not ports:
        raise ConfigError("this step has no output that could be pinned", field="node_id")
    return ports
