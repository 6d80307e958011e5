"""Bring flows of another system here: new ones are made, changed ones follow, what people changed here stays theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.resolve import reach
from headrace.accounts.permissions import Actor
from headrace.connections.service import Vault
from headrace.flows import service as flows
from headrace.flows.models import Flow
from headrace.infra.clock import now
from headrace.infra.database import translate
from headrace.integrations.fetch import Fetched
from headrace.integrations.models import FlowOrigin
from headrace.plugins.registry import Registry
from headrace.sdk.errors import Conflict, HeadraceError
from headrace.sdk.foreign import ConvertedFlow, Finding, ForeignFlow
from headrace.triggers import service as triggers
from headrace.triggers.models import Trigger

NAME_MAX = 255
_CHANGED = (
    "it was changed both there and here since it was brought here; to take it over again, move the flow here to the "
    "trash, or go on with the one here"
)


class Brought(Struct, frozen=True, kw_only=True):
    """What became of one flow.

    Attributes:
        row_version: Of the canvas, where it has changed.
        steps: What became of each step.
    """

    external_id: str
    name: str
    outcome: Literal["created", "updated", "unchanged", "failed"]
    flow_id: UUID | None = None
    row_version: int | None = None
    steps: list[Finding] = []
    message: str = ""


class Bringing(Struct, frozen=True, kw_only=True):
    """Who brings flows where to."""

    actor: Actor
    vault: Vault
    registry: Registry
    workspace_id: UUID
    folder_id: UUID | None = None


async def bring(session: AsyncSession, to: Bringing, fetched: Fetched) -> list[Brought]:
    """Bring all of them; one that cannot be brought leaves nothing behind, and the rest go on."""
    await session.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"sync_flows:{to.actor.organization_id}:{fetched.instance}"},
    )
    origins = await _origins(session, to.actor, fetched)
    live = await _live(session, to.actor, [origin.flow_id for origin in origins.values()])
    known = {name: str(origin.flow_id) for name, origin in origins.items() if origin.flow_id in live}
    opened = fetched.entry.open(fetched.config)
    done: list[Brought] = []
    try:
        for flow in fetched.flows:
            try:
                converted = await _converted(opened, flow, known)
                async with session.begin_nested():
                    one = await _one(session, to, fetched, flow, converted, origins.get(flow.id), live)
            except (HeadraceError, SQLAlchemyError) as error:
                told = translate(error)
                if not isinstance(told, HeadraceError):
                    raise
                one = Brought(external_id=flow.id, name=flow.name, outcome="failed", message=told.message)
            if one.flow_id is not None:
                known[flow.id] = str(one.flow_id)
            done.append(one)
    finally:
        opened.close()
    return done


async def _converted(opened: Any, flow: ForeignFlow, known: dict[str, str]) -> ConvertedFlow:
    if flow.problem:
        raise Conflict(flow.problem)
    found: ConvertedFlow = await asyncio.to_thread(opened.converted, flow, known)
    return found


async def _origins(session: AsyncSession, actor: Actor, fetched: Fetched) -> dict[str, FlowOrigin]:
    query = sa.select(FlowOrigin).where(
        FlowOrigin.organization_id == actor.organization_id, FlowOrigin.connector == fetched.entry.manifest.id,
        FlowOrigin.instance == fetched.instance,
    )  # fmt: skip
    return {row.external_id: row for row in await session.scalars(query)}


async def _live(session: AsyncSession, actor: Actor, ids: Collection[UUID]) -> set[UUID]:
    query = sa.select(Flow.id).where(
        Flow.organization_id == actor.organization_id, Flow.id.in_(list(ids)), Flow.deleted_at.is_(None)
    )
    return set(await session.scalars(query))


async def _one(
    session: AsyncSession, to: Bringing, fetched: Fetched, flow: ForeignFlow, converted: ConvertedFlow,
    origin: FlowOrigin | None, live: Collection[UUID],
) -> Brought:  # fmt: skip
    mark = _hash([flow.fingerprint, msgspec.to_builtins(converted)])
    steps = list(converted.findings)
    if origin is None or origin.flow_id not in live:
        row = await _create(session, to, flow, converted)
        origin = origin or FlowOrigin(
            organization_id=to.actor.organization_id, connector=fetched.entry.manifest.id, instance=fetched.instance,
            external_id=flow.id,
        )  # fmt: skip
        outcome: Literal["created", "updated"] = "created"
    else:
        await reach(session, to.actor, "flow:read", "flow", origin.flow_id)
        row = await flows.get(session, to.actor, origin.flow_id)
        if origin.fingerprint == mark:
            return Brought(
                external_id=flow.id, name=row.name, outcome="unchanged", flow_id=row.id,
                steps=msgspec.convert(origin.report, list[Finding]),
            )  # fmt: skip
        await _update(session, to, flow, converted, origin, row)
        outcome = "updated"
    await _triggers(session, to, row.id)
    data = await flows.get_data(session, to.actor, row.id)
    origin.flow_id = row.id
    origin.name, origin.fingerprint, origin.canvas_hash = flow.name, mark, canvas_hash(data.definition)
    origin.report, origin.synced_at = msgspec.to_builtins(steps), now()
    session.add(origin)
    await session.flush()
    return Brought(
        external_id=flow.id, name=row.name, outcome=outcome, flow_id=row.id, row_version=data.row_version, steps=steps
    )


async def _create(session: AsyncSession, to: Bringing, flow: ForeignFlow, converted: ConvertedFlow) -> Flow:
    name = await _free_name(session, to, flow)
    return await flows.create(
        session, to.actor, workspace_id=to.workspace_id, folder_id=to.folder_id, name=name,
        definition=converted.definition, description=converted.description,
    )  # fmt: skip


async def _free_name(session: AsyncSession, to: Bringing, flow: ForeignFlow) -> str:
    """The name there; with the id there, where a flow here has it already."""
    name = flow.name.strip()[:NAME_MAX] or flow.id[:NAME_MAX]
    query = sa.select(Flow.id).where(
        Flow.organization_id == to.actor.organization_id, Flow.workspace_id == to.workspace_id,
        Flow.folder_id.is_not_distinct_from(to.folder_id), sa.func.lower(Flow.name) == name.lower(),
        Flow.deleted_at.is_(None),
    )  # fmt: skip
    if await session.scalar(query) is None:
        return name
    mark = f" ({flow.id[:60]})"
    return f"{name[: NAME_MAX - len(mark)]}{mark}"


async def _update(
    session: AsyncSession, to: Bringing, flow: ForeignFlow, converted: ConvertedFlow, origin: FlowOrigin, row: Flow
) -> None:
    """Put the flow as it is there in the place of what was brought before.

    Raises:
        Conflict: people have changed it here.
    """
    await reach(session, to.actor, "flow:update", "flow", row.id)
    data = await flows.get_data(session, to.actor, row.id)
    if canvas_hash(data.definition) != origin.canvas_hash:
        raise Conflict(_CHANGED)
    await flows.put_data(session, to.actor, row.id, converted.definition, data.row_version)
    if row.name == origin.name and flow.name.strip() != origin.name:
        changes = {"name": await _free_name(session, to, flow), "description": converted.description}
        await flows.update(session, to.actor, row.id, changes, row.row_version)


async def _triggers(session: AsyncSession, to: Bringing, flow_id: UUID) -> None:
    """What starts the flow is made, and switched off: the other system may still start it. What was on stays on."""
    query = sa.select(Trigger.node_id, Trigger.is_active).where(
        Trigger.organization_id == to.actor.organization_id, Trigger.flow_id == flow_id, Trigger.deleted_at.is_(None)
    )
    before = {row.node_id: row.is_active for row in await session.execute(query)}
    for one in await triggers.sync(session, to.actor, to.vault, to.registry, flow_id):
        on = before.get(one.node_id, one.mode == "manual")
        if one.is_active and not on:
            await triggers.update(
                session, to.actor, to.vault, to.registry, one.id, {"is_active": False}, one.row_version
            )


def canvas_hash(definition: dict[str, Any]) -> str:
    """Of what people see on the canvas, where they look at it apart."""
    return _hash([definition.get("nodes", []), definition.get("edges", [])])


def _hash(value: Any) -> str:
    return sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
