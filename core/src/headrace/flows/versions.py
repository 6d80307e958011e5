"""Versions of a flow: check in, list, restore."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.permissions import Actor
from headrace.entitlements.service import require_writable
from headrace.flows.canvas import graph_of
from headrace.flows.graph import FlowGraph
from headrace.flows.models import FlowDefinition, FlowVersion
from headrace.flows.service import Who, checked, get, get_data, put_data, remember
from headrace.flows.validate import NodeTypes
from headrace.sdk.errors import NotFound


async def check_in(
    session: AsyncSession, actor: Who, flow_id: UUID, *, name: str = "", change_summary: str = ""
) -> FlowVersion:
    """Make the canvas an immutable version with the next number."""
    flow = await get(session, actor, flow_id)
    await require_writable(session, "flows", flow_id, organization_id=actor.organization_id)
    await session.refresh(flow, with_for_update=True)
    data = await get_data(session, actor, flow_id)
    digest = await remember(session, actor, flow_id, data.definition)
    flow.current_version += 1
    version = FlowVersion(
        organization_id=actor.organization_id, flow_id=flow_id, number=flow.current_version, content_hash=digest,
        name=name, change_summary=change_summary, created_by=actor.user_id,
    )  # fmt: skip
    session.add(version)
    await session.flush()
    return version


async def list_(session: AsyncSession, actor: Who, flow_id: UUID) -> Sequence[FlowVersion]:
    """Versions, newest first."""
    await get(session, actor, flow_id)
    query = sa.select(FlowVersion).where(
        FlowVersion.organization_id == actor.organization_id, FlowVersion.flow_id == flow_id
    )
    return (await session.scalars(query.order_by(FlowVersion.number.desc()))).all()


async def definition(session: AsyncSession, actor: Who, flow_id: UUID, number: int) -> FlowDefinition:
    """What a version holds.

    Raises:
        NotFound: there is no such version.
    """
    await get(session, actor, flow_id)
    version = await session.get(FlowVersion, (actor.organization_id, flow_id, number))
    if version is None:
        raise NotFound(f"the flow has no version {number}", resource="version")
    return await session.get_one(FlowDefinition, (actor.organization_id, flow_id, version.content_hash))


async def prepare(
    session: AsyncSession, actor: Who, flow_id: UUID, number: int, types: NodeTypes, *,
    connections: Collection[str] | None = None,
) -> tuple[FlowGraph, str]:  # fmt: skip
    """The graph of a version to execute, and the hash of its definition.

    Raises:
        NotFound: there is no such version.
        ConfigError: it has problems; `details.problems` lists them.
    """
    found = await definition(session, actor, flow_id, number)
    return checked(graph_of(found.definition), types, connections), found.content_hash


async def revert(session: AsyncSession, actor: Actor, flow_id: UUID, number: int) -> FlowVersion:
    """Put a version's definition back on the canvas and check it in as a new version."""
    old = await definition(session, actor, flow_id, number)
    data = await get_data(session, actor, flow_id)
    await put_data(session, actor, flow_id, old.definition, data.row_version)
    return await check_in(session, actor, flow_id, change_summary=f"restored version {number}")
