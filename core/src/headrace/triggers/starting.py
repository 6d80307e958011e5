"""Start the flow of a trigger, in the caller's transaction. The one place where triggers become executions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.permissions import system_actor
from headrace.connections import service as connections
from headrace.executions import service as executions
from headrace.flows import service as flows
from headrace.flows.graph import FlowGraph
from headrace.plugins.manager import Host
from headrace.plugins.registry import Registry
from headrace.sdk.triggers import KINDS
from headrace.triggers import statements as sql

KNOWN_S, KNOWN_MAX = 30.0, 500
_VERSIONS = sa.text("""
SELECT f.row_version AS flow, d.row_version AS canvas, f.variables, f.settings FROM flows f
JOIN flow_data d ON d.organization_id = f.organization_id AND d.flow_id = f.id
WHERE f.organization_id = :organization_id AND f.id = :id AND f.deleted_at IS NULL
""")


class Prepared(Struct, frozen=True):
    """A flow that may be started, any number of times in one transaction."""

    organization_id: UUID
    flow_id: UUID
    graph: FlowGraph
    definition_hash: str
    variables: dict[str, Any]
    settings: dict[str, Any]


def kind_of(registry: Registry, row: Any) -> str:
    """What an execution shows as its `trigger_type`, for a row of a trigger with `type` and `mode`."""
    entry = registry.triggers.get(row.type)
    return (entry.manifest.kind if entry else None) or KINDS[row.mode]


def variables_of(row: Any) -> dict[str, Any]:
    """What a trigger gives its flow: its variables, and the kind of its events where it has one."""
    kind = row.configuration.get("event_type")
    return {**({"event_type": kind} if kind else {}), **row.variables}


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
    return Prepared(organization_id, flow_id, graph, digest, {**flow.variables, **variables}, flow.settings)


class Preparer:
    """`prepare` that remembers: a flow that has not changed is not read and checked again for half a minute."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._known: dict[tuple[UUID, UUID], tuple[tuple[int, int], float, Prepared]] = {}

    async def get(
        self, session: AsyncSession, organization_id: UUID, flow_id: UUID, variables: Mapping[str, Any]
    ) -> Prepared:
        """As `prepare`, which raises what it raises."""
        key = {"organization_id": organization_id, "id": flow_id}
        row = (await session.execute(_VERSIONS, key)).one_or_none()
        place = (organization_id, flow_id)
        known = self._known.get(place)
        if row is not None and known is not None and known[0] == (row.flow, row.canvas) and known[1] > time.monotonic():
            return structs.replace(known[2], variables={**row.variables, **variables}, settings=row.settings)
        found = await prepare(session, self.host, organization_id, flow_id, variables)
        if row is not None:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[place] = ((row.flow, row.canvas), time.monotonic() + KNOWN_S, found)
        return found


async def launch(
    session: AsyncSession, host: Host, prepared: Prepared, *, trigger_type: str, key: str | None,
    input_data: Mapping[str, Any], details: Mapping[str, Any], priority: int = 0,
    interval: tuple[datetime, datetime] | None = None, execution_id: UUID | None = None,
) -> UUID:  # fmt: skip
    """Accept the execution, by this id; the same `key` gives the same one, and one that waits may stand for it."""
    return await executions.start(
        session, system_actor(prepared.organization_id), flow_id=prepared.flow_id, graph=prepared.graph,
        definition_hash=prepared.definition_hash, host=host, params=prepared.variables, input_data=input_data,
        trigger_type=trigger_type, priority=priority, idempotency_key=key, data_interval=interval, details=details,
        execution_id=execution_id, settings=prepared.settings,
    )  # fmt: skip


async def room(session: AsyncSession, organization_id: UUID, trigger_id: UUID, most: int | None, limit: int) -> int:
    """How many executions the trigger may start now, `limit` at most."""
    if most is None:
        return limit
    open_ = await session.scalar(sql.OPEN, {"organization_id": organization_id, "id": trigger_id})
    return max(0, min(limit, most - int(open_ or 0)))
