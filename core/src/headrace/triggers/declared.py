"""Triggers that come with a flow: of an API body, or of the flow's file. Those of the canvas are `service.sync`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.resolve import reach
from headrace.connections.service import Vault
from headrace.flows import files
from headrace.flows.models import Flow
from headrace.flows.text import FlowText, TextTrigger
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError, Conflict
from headrace.triggers import service
from headrace.triggers.models import Trigger


class Declared(Struct, frozen=True, kw_only=True):
    """A trigger as somebody wants it; type and name tell which of the flow's triggers it is."""

    type: str
    name: str = ""
    configuration: dict[str, Any] = {}
    secrets: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    priority: int = 0
    is_active: bool = True


async def declare(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, flow_id: UUID, wanted: Sequence[Declared], *,
    strict: bool = True,
) -> list[Trigger]:  # fmt: skip
    """Make the flow's triggers beside its canvas those that are wanted; what stays keeps its address and history.

    Args:
        session: Of the actor's organization.
        actor: Who wants them.
        vault: Encrypts secrets.
        registry: The plugins.
        flow_id: The flow.
        wanted: All of them.
        strict: Refuse one that does not fit; else it is kept switched off, with the reason.

    Raises:
        ConfigError, Conflict: one does not fit (`strict`), or two have the same type and name.
        Denied: one would go, and the actor may not remove triggers.
    """
    named = [(one.type, one.name) for one in wanted]
    twice = next((one for one in named if named.count(one) > 1), None)
    if twice:
        raise ConfigError(f"two triggers of type '{twice[0]}' have the name '{twice[1]}'; rename one", field="triggers")
    there = {(row.type, row.name): row for row in await beside(session, actor, flow_id)}
    kept = []
    for one in wanted:
        row = there.pop((one.type, one.name), None)
        try:
            async with session.begin_nested():
                kept.append(await _one(session, actor, vault, registry, flow_id, one, row))
        except (ConfigError, Conflict) as error:
            if strict or one.type not in registry.triggers:
                raise
            kept.append(await _broken(session, actor, registry, flow_id, one, row, error.message))
    if there:
        await reach(session, actor, "trigger:delete", "flow", flow_id)
    for row in there.values():
        await service.delete(session, actor, row.id)
    return kept


async def beside(session: AsyncSession, actor: Any, flow_id: UUID) -> list[Trigger]:
    """Triggers of a flow that no step of its canvas declares, oldest first."""
    query = sa.select(Trigger).where(
        Trigger.organization_id == actor.organization_id, Trigger.flow_id == flow_id, Trigger.deleted_at.is_(None),
        Trigger.node_id.is_(None),
    )  # fmt: skip
    return list((await session.scalars(query.order_by(Trigger.created_at, Trigger.id.desc()))).all())


async def _one(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, flow_id: UUID, one: Declared,
    row: Trigger | None,
) -> Trigger:  # fmt: skip
    fields = structs.asdict(one)
    if row is None:
        return await service.create(session, actor, vault, registry, flow_id=flow_id, **fields)
    changes = {name: value for name, value in fields.items() if name in service.EDITABLE - {"name", "secrets"}}
    changes = {name: value for name, value in changes.items() if getattr(row, name) != value}
    changes |= {"secrets": one.secrets} if one.secrets else {}
    if not changes:
        return row
    return await service.update(session, actor, vault, registry, row.id, changes, row.row_version)


async def _broken(
    session: AsyncSession, actor: Any, registry: Registry, flow_id: UUID, one: Declared, row: Trigger | None, why: str
) -> Trigger:
    """The trigger switched off, for somebody to complete: a file has no secrets."""
    if row is None:
        row = Trigger(
            organization_id=actor.organization_id, flow_id=flow_id, type=one.type, name=one.name,
            mode=registry.trigger(one.type).manifest.mode, variables=one.variables, priority=one.priority,
            created_by=actor.user_id,
        )  # fmt: skip
        session.add(row)
    row.configuration, row.is_active, row.error, row.updated_by = one.configuration, False, why, actor.user_id
    await session.flush()
    await session.refresh(row)
    return row


async def bring_in(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, workspace_id: UUID, text: FlowText
) -> Flow:
    """Put a flow file into a workspace, with its triggers; a file that names none leaves them as they are."""
    flow = await files.bring_in(session, actor, workspace_id, text)
    await service.sync(session, actor, vault, registry, flow.id)
    await declare_text(session, actor, vault, registry, flow.id, text)
    return flow


async def declare_text(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, flow_id: UUID, text: FlowText
) -> None:
    """Make the triggers of a flow file; what does not fit here is switched off, with the reason."""
    if text.triggers is None:
        return
    wanted = [
        Declared(type=one.type, name=one.name, configuration=one.config, variables=one.variables,
                 priority=one.priority, is_active=not one.disabled)
        for one in text.triggers
    ]  # fmt: skip
    await declare(session, actor, vault, registry, flow_id, wanted, strict=False)


async def take_out(session: AsyncSession, actor: Any, flow_id: UUID) -> str:
    """The flow as a file, with its triggers and without their secrets."""
    found = [
        TextTrigger(type=row.type, name=row.name, config=row.configuration, variables=row.variables,
                    priority=row.priority, disabled=not row.is_active)
        for row in await beside(session, actor, flow_id)
    ]  # fmt: skip
    return await files.take_out(session, actor, flow_id, triggers=found or None)
