"""Find the flow that a step calls: by id, or by name in the caller's workspace."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.executions.families import OtherFlow
from headrace.flows.canvas import content_hash, graph_of
from headrace.flows.models import Flow, FlowData, FlowDefinition, FlowVersion
from headrace.sdk.errors import ConfigError


async def load_called(
    session: AsyncSession, organization_id: UUID, ref: str, version: int | None, caller: UUID
) -> OtherFlow:
    """The flow and its definition.

    Raises:
        ConfigError: there is none, more than one of that name, or no such version.
    """
    flow_id = await _flow_id(session, organization_id, ref, caller)
    where: dict[str, Any] = {"organization_id": organization_id, "flow_id": flow_id}
    if version is None:
        data = await session.get(FlowData, (organization_id, flow_id))
        canvas = data.definition if data else {}
        graph = graph_of(canvas)
        return OtherFlow(flow_id, graph, content_hash(graph), None)
    query = (
        sa.select(FlowDefinition)
        .join(FlowVersion, sa.and_(
            FlowVersion.organization_id == FlowDefinition.organization_id,
            FlowVersion.flow_id == FlowDefinition.flow_id, FlowVersion.content_hash == FlowDefinition.content_hash,
        ))
        .filter(FlowVersion.organization_id == where["organization_id"], FlowVersion.flow_id == where["flow_id"],
                FlowVersion.number == version)
    )  # fmt: skip
    found = await session.scalar(query)
    if found is None:
        raise ConfigError(f"the flow '{ref}' has no version {version}; choose another, or none", field="version")
    return OtherFlow(flow_id, graph_of(found.definition), found.content_hash, version)


async def _flow_id(session: AsyncSession, organization_id: UUID, ref: str, caller: UUID) -> UUID:
    query = sa.select(Flow.id).where(Flow.organization_id == organization_id, Flow.deleted_at.is_(None))
    try:
        query = query.where(Flow.id == UUID(ref))
    except ValueError:
        mine = sa.select(Flow.workspace_id).where(Flow.organization_id == organization_id, Flow.id == caller)
        query = query.where(Flow.name == ref, Flow.workspace_id == mine.scalar_subquery())
    found = (await session.scalars(query.limit(2))).all()
    if not found:
        raise ConfigError(f"there is no flow '{ref}' in this workspace; choose another", field="flow")
    if len(found) > 1:
        raise ConfigError(f"there is more than one flow '{ref}' in this workspace; use its id", field="flow")
    return found[0]
