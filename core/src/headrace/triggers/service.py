"""Triggers for the API: the only door to their table. The session is of the actor's organization; nothing commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.references import refuse_new_in
from headrace.access.resolve import reached
from headrace.connections.service import Vault
from headrace.flows import service as flows
from headrace.infra.clock import now
from headrace.plugins.manager import Host
from headrace.plugins.registry import Registry, TriggerEntry
from headrace.sdk.calendars import BusinessCalendar
from headrace.sdk.config import parse_config
from headrace.sdk.errors import ConfigError, Conflict, NotFound
from headrace.sdk.triggers import TimeConfig
from headrace.triggers import addresses, assets, calendars, form_fields, keys
from headrace.triggers.callers import check
from headrace.triggers.models import Trigger
from headrace.triggers.plan import schedule_of
from headrace.triggers.secrets import Sealed, merged
from headrace.triggers.starting import launch, prepare, variables_of

EDITABLE = frozenset({"name", "configuration", "secrets", "variables", "priority", "is_active"})
SCHEDULES = ("time",)


async def create(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, *, flow_id: UUID, type: str,  # noqa: A002
    name: str = "", configuration: Mapping[str, Any] | None = None, secrets: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None, priority: int = 0, is_active: bool = True, node_id: str | None = None,
) -> Trigger:  # fmt: skip
    """Make a trigger of a flow.

    Raises:
        NotFound: there is no such flow.
        ConfigError: unknown type, or the configuration does not fit.
        Conflict: the step has a trigger already, or the own path is taken.
    """
    await flows.get(session, actor, flow_id)
    entry = registry.trigger(type)
    row = Trigger(
        organization_id=actor.organization_id, flow_id=flow_id, node_id=node_id, type=type, name=name,
        mode=entry.manifest.mode, variables=dict(variables or {}), priority=priority, is_active=is_active,
        created_by=actor.user_id, updated_by=actor.user_id,
    )  # fmt: skip
    await _configure(session, actor, vault, entry, row, dict(configuration or {}), dict(secrets or {}))
    session.add(row)
    await session.flush()
    await session.refresh(row)
    await _arm(session, registry, row)
    return row


async def get(session: AsyncSession, actor: Any, trigger_id: UUID, *, mode: str | None = None) -> Trigger:
    """A trigger, of one mode if that is given.

    Raises:
        NotFound: it does not exist, is deleted, or belongs to others.
    """
    row = await session.get(Trigger, (actor.organization_id, trigger_id))
    if row is None or row.deleted_at is not None or (mode is not None and row.mode != mode):
        what = {"time": "schedule", "webhook": "webhook"}.get(mode or "", "trigger")
        raise NotFound(f"there is no such {what}", resource=what)
    return row


async def list_(
    session: AsyncSession, actor: Any, *, flow_id: UUID | None = None, mode: str | None = None,
    is_active: bool | None = None, event_type: str | None = None, limit: int = 20, offset: int = 0,
    soonest: bool = False,
) -> tuple[Sequence[Trigger], int]:  # fmt: skip
    """A page of the triggers that the actor may read, and how many there are in all."""
    right = {"time": "schedule:read", "webhook": "webhook:read"}.get(mode or "", "trigger:read")
    query = sa.select(Trigger).where(
        Trigger.organization_id == actor.organization_id, Trigger.deleted_at.is_(None),
        reached(actor, right, "flow", Trigger.flow_id),
    )  # fmt: skip
    for column, value in ((Trigger.flow_id, flow_id), (Trigger.mode, mode), (Trigger.is_active, is_active)):
        if value is not None:
            query = query.where(column == value)
    if event_type is not None:
        query = query.where(sa.func.coalesce(Trigger.configuration["event_type"].astext, "") == event_type)
    if soonest:
        query = query.where(Trigger.next_fire_at.is_not(None))
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    order = Trigger.next_fire_at if soonest else Trigger.created_at.desc()
    rows = await session.scalars(query.order_by(order, Trigger.id).limit(limit).offset(offset))
    return rows.all(), total or 0


async def update(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, trigger_id: UUID,
    changes: Mapping[str, Any], row_version: int | None, *, mode: str | None = None,
) -> Trigger:  # fmt: skip
    """Change a trigger; secrets that are left out stay. A schedule that changes counts from now.

    Raises:
        PreconditionRequired, PreconditionFailed: no base version, or a stale one.
        ConfigError: a field that cannot be changed, or a configuration that does not fit.
    """
    row = await get(session, actor, trigger_id, mode=mode)
    flows.check_version(row.row_version, row_version, "trigger")
    unknown = changes.keys() - EDITABLE
    if unknown:
        raise ConfigError(f"'{min(unknown)}' of a trigger cannot be changed", field=min(unknown))
    if "configuration" in changes or "secrets" in changes:
        given = changes.get("configuration", row.configuration)
        await _configure(session, actor, vault, registry.trigger(row.type), row, dict(given), changes.get("secrets"))
        row.error = None
        _start_over(row)
    for name in ("name", "variables", "priority", "is_active"):
        if name in changes:
            setattr(row, name, changes[name])
    row.updated_by, row.updated_at = actor.user_id, now()
    if "is_active" not in changes:
        sa.orm.attributes.flag_modified(row, "is_active")
    await session.flush()
    await session.refresh(row)
    await _arm(session, registry, row)
    return row


async def delete(session: AsyncSession, actor: Any, trigger_id: UUID, *, mode: str | None = None) -> None:
    """Remove a trigger; its history stays. What a step of the canvas declares comes back with the next save."""
    row = await get(session, actor, trigger_id, mode=mode)
    row.deleted_at, row.updated_by = now(), actor.user_id
    await session.flush()


async def run(
    session: AsyncSession, actor: Any, host: Host, trigger_id: UUID, *, mode: str | None = None,
    input_data: Mapping[str, Any] | None = None, key: str | None = None,
) -> UUID:  # fmt: skip
    """Start the trigger's flow now, with its variables, whether it is active or not.

    Somebody who asks for it is not held up by a key, except where asking is how the trigger's events come.
    """
    row = await get(session, actor, trigger_id, mode=mode)
    prepared = await prepare(session, host, actor.organization_id, row.flow_id, variables_of(row))
    given = {**(input_data or {}), "trigger": {"id": row.id, "type": row.type, "name": row.name}}
    start = partial(
        launch, session, host, prepared, trigger_type="manual", key=key, priority=row.priority, input_data=given,
        details={"trigger_id": str(row.id), "started_by": str(actor.user_id)},
    )  # fmt: skip
    if row.mode != "manual":
        return await start()
    rows = [one for one in [input_data] if one and "rows" not in one]
    return (await keys.once(session, row, {"rows": rows, **given}, start, origin=key or "")).execution_id


async def preview(
    session: AsyncSession,
    actor: Any,
    registry: Registry,
    kind: str,
    configuration: Mapping[str, Any],
    *,
    count: int = 10,
    after: datetime | None = None,
) -> list[datetime]:
    """The next due instants of a schedule, stored or not; those past `after` where that lies ahead.

    Raises:
        ConfigError: it is no schedule, or does not fit.
    """
    at = await session.scalar(sa.text("SELECT clock_timestamp()"))
    if at is None:
        raise ConfigError("the database told no time")
    calendar = await _calendar(session, actor.organization_id, configuration)
    start = max(at, after) if after else at
    return schedule_of(registry.trigger(kind), dict(configuration), calendar).preview(start, count)


async def _calendar(
    session: AsyncSession, organization_id: UUID, configuration: Mapping[str, Any]
) -> BusinessCalendar | None:
    named = configuration.get("calendar_id")
    return (await calendars.rules_of(session, organization_id, str(named)))[1] if named else None


async def ticks(
    session: AsyncSession, actor: Any, trigger_id: UUID, *, limit: int = 20, offset: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """What became of the due instants of a schedule, newest first."""
    query = sa.text("""
SELECT fire_at, outcome, execution_id, missed, error, created_at, count(*) OVER () AS total FROM trigger_ticks
WHERE organization_id = :organization_id AND trigger_id = :id ORDER BY fire_at DESC LIMIT :limit OFFSET :offset""")
    where = {"organization_id": actor.organization_id, "id": trigger_id, "limit": limit, "offset": offset}
    rows = [dict(row) for row in (await session.execute(query, where)).mappings()]
    return rows, rows[0]["total"] if rows else 0


async def sync(session: AsyncSession, actor: Any, vault: Vault, registry: Registry, flow_id: UUID) -> list[Trigger]:
    """Make the triggers of a flow those that its canvas declares; what was made beside the canvas stays.

    A step whose configuration does not fit yet has its trigger switched off, with the reason, and does not stop a save.
    """
    from headrace.flows.canvas import graph_of

    types = {entry.node_type: name for name, entry in registry.triggers.items()}
    graph = graph_of((await flows.get_data(session, actor, flow_id)).definition)
    wanted = {node.id: node for node in graph.nodes if node.type in types and not node.disabled}
    query = sa.select(Trigger).where(
        Trigger.organization_id == actor.organization_id, Trigger.flow_id == flow_id, Trigger.deleted_at.is_(None),
        Trigger.node_id.is_not(None),
    )  # fmt: skip
    there = {str(row.node_id): row for row in (await session.scalars(query)).all()}
    for node_id, row in there.items():
        if node_id not in wanted or types[wanted[node_id].type] != row.type:
            row.deleted_at, row.updated_by = now(), actor.user_id
    await session.flush()
    kept = []
    for node_id, node in wanted.items():
        row_ = there.get(node_id)
        fresh = row_ is None or row_.deleted_at is not None
        kept.append(await _declared(session, actor, vault, registry, flow_id, types[node.type], node,
                                    None if fresh else row_))  # fmt: skip
    return kept


async def _declared(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, flow_id: UUID, kind: str, node: Any,
    row: Trigger | None,
) -> Trigger:  # fmt: skip
    """The trigger of one step, as its config says."""
    entry = registry.trigger(kind)
    name = node.label or entry.manifest.title
    if row is not None and row.configuration == node.config and row.name == name and row.error is None:
        return row
    moved = row is None or row.configuration != node.config
    if row is None:
        row = Trigger(organization_id=actor.organization_id, flow_id=flow_id, node_id=node.id, type=kind,
                      mode=entry.manifest.mode, created_by=actor.user_id)  # fmt: skip
        session.add(row)
    row.name, row.updated_by, row.error = name, actor.user_id, None
    try:
        await _configure(session, actor, vault, entry, row, dict(node.config), None)
        row.is_active = True
    except (ConfigError, Conflict) as error:
        row.configuration, row.is_active, row.error = dict(node.config), False, error.message
    if moved:
        _start_over(row)
    if row in session.dirty:
        sa.orm.attributes.flag_modified(row, "is_active")
    await session.flush()
    await session.refresh(row)
    if row.error is None:
        await _arm(session, registry, row)
    return row


async def _configure(
    session: AsyncSession, actor: Any, vault: Vault, entry: TriggerEntry, row: Trigger,
    configuration: dict[str, Any], secrets: Mapping[str, Any] | None,
) -> None:  # fmt: skip
    """Check and take a configuration: columns that SQL reads, the address of a webhook, the secrets."""
    config: Any = parse_config(entry.manifest.config, configuration)
    await refuse_new_in(session, actor, row.configuration, configuration)
    row.configuration, row.max_pending = configuration, config.max_pending or None
    if isinstance(config, TimeConfig):
        row.calendar_id, calendar = None, None
        if config.calendar_id:
            row.calendar_id, calendar = await calendars.rules_of(session, actor.organization_id, config.calendar_id)
        schedule_of(entry, configuration, calendar)
        row.timezone, row.misfire, row.grace_s = config.timezone, config.misfire, config.grace_seconds
    if entry.manifest.mode == "flow":
        row.source_flow_id, row.source_statuses = await _source(session, actor, row, config), list(config.statuses)
    sealed = Sealed(vault, row)
    stored = await sealed.open(session)
    kept = merged(entry.manifest.secrets, stored, secrets)
    if entry.manifest.mode in addresses.PLACES:
        await addresses.give(session, row, config, kept)
        check(config, kept)
    if entry.manifest.mode == "form":
        form_fields.check(config)
    if entry.manifest.mode == "asset":
        await assets.check(session, row, config, actor)
    if kept != stored or row.secrets is None:
        await sealed.close(session, kept)


def _start_over(row: Trigger) -> None:
    """A trigger that has changed: a schedule counts from now, a source is asked at once."""
    row.next_fire_at, row.wake_at = None, now() if row.mode == "source" else None
    row.lease_owner = row.lease_until = None


async def _source(session: AsyncSession, actor: Any, row: Trigger, config: Any) -> UUID:
    try:
        wanted = UUID(config.flow)
        await flows.get(session, actor, wanted)
    except (ValueError, NotFound):
        raise ConfigError("there is no such flow to watch; choose one of the list", field="flow") from None
    if wanted == row.flow_id:
        raise ConfigError("a flow cannot be started by its own end; choose another flow", field="flow")
    return wanted


async def _arm(session: AsyncSession, registry: Registry, row: Trigger) -> None:
    """Tell the next due instant at once, so that it can be shown; the scheduler would find it as well.

    A trigger on assets watches them from here on.
    """
    if row.mode == "asset":
        await assets.watch(session, row, parse_config(registry.trigger(row.type).manifest.config, row.configuration))
    if row.mode != "time" or not row.armed or row.next_fire_at is not None:
        return
    at = await session.scalar(sa.text("SELECT clock_timestamp()"))
    if at is not None:
        calendar = await _calendar(session, row.organization_id, row.configuration)
        schedule = schedule_of(registry.trigger(row.type), row.configuration, calendar)
        row.next_fire_at = row.wake_at = schedule.next_fire(at)
        row.state = {**row.state, "covered_until": at.isoformat()}
        await session.flush()
