"""Start the flow of a trigger, in the caller's transaction. The one place where triggers become executions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.permissions import system_actor
from headrace.connections import service as connections
from headrace.executions import service as executions
from headrace.flows import service as flows
from headrace.flows.graph import FlowGraph
from headrace.plugins.manager import Host
from headrace.triggers import statements as sql

KINDS = {"manual": "manual", "time": "scheduled", "webhook": "webhook", "source": "event", "flow": "flow"}
"""What an execution's `trigger_type` is, by the mode of its trigger."""


class Prepared(Struct, frozen=True):
    """A flow that may be started, any number of times in one transaction."""

    organization_id: UUID
    flow_id: UUID
    graph: FlowGraph
    definition_hash: str
    variables: dict[str, Any]


async def prepare(
    session: AsyncSession, host: Host, organization_id: UUID, flow_id: UUID, variables: Mapping[str, Any]
) -> Prepared:
    """Read and check the flow.

    Raises:
        ConfigError: it has problems.
        NotFound: it is gone.
    """
    actor = system_actor(organization_id)
    flow = await flows.get(session, actor, flow_id)
    names = await connections.names(session, organization_id)
    graph, digest = await flows.prepare(session, actor, flow_id, host.registry, connections=names)
    return Prepared(organization_id, flow_id, graph, digest, {**flow.variables, **variables})


async def launch(
    session: AsyncSession, host: Host, prepared: Prepared, *, trigger_type: str, key: str | None,
    input_data: Mapping[str, Any], details: Mapping[str, Any], priority: int = 0,
    interval: tuple[datetime, datetime] | None = None,
) -> UUID:  # fmt: skip
    """Accept the execution; the same `key` gives the same one."""
    return await executions.start(
        session, system_actor(prepared.organization_id), flow_id=prepared.flow_id, graph=prepared.graph,
        definition_hash=prepared.definition_hash, host=host, params=prepared.variables, input_data=input_data,
        trigger_type=trigger_type, priority=priority, idempotency_key=key, data_interval=interval, details=details,
    )  # fmt: skip


async def room(session: AsyncSession, organization_id: UUID, trigger_id: UUID, most: int | None, limit: int) -> int:
    """How many executions the trigger may start now, `limit` at most."""
    if most is None:
        return limit
    open_ = await session.scalar(sql.OPEN, {"organization_id": organization_id, "id": trigger_id})
    return max(0, min(limit, most - int(open_ or 0)))
