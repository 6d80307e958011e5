"""Schedules: triggers that are due by the clock."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.access.resolve import reach
from headrace.flows import service as flows
from headrace.sdk.errors import ConfigError
from headrace.triggers import service as triggers
from headrace.triggers.backfills import step_of
from headrace.triggers.models import Trigger
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from headrace_web.api.executions import IdempotencyKey, _own
from headrace_web.api.triggers import IfMatch, Started
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, base_version, given, merged, ok, page_of
from headrace_web.guards import permission, scoped

Kind = Literal["cron", "interval", "rrule"]
Misfire = Literal["skip", "coalesce", "run_all"]
Count = Annotated[int, Meta(ge=0, le=10_000)]
Many = Annotated[int, QueryParameter(ge=1, le=200)]
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks", "mo": "months"}
_OWN = ("name", "variables", "priority", "is_active")
"""Fields of the trigger; the others are of its configuration."""
_PLAIN = ("timezone", "misfire", "max_pending", "start_at", "end_at")


class ScheduleOut(Struct, kw_only=True):
    """A schedule."""

    id: UUID
    name: str
    flow_id: UUID
    node_id: str | None
    type: str
    expression: str
    timezone: str
    calendar_id: UUID | None
    misfire: str
    max_pending: int
    start_at: str | None
    end_at: str | None
    configuration: dict[str, Any]
    variables: dict[str, Any]
    priority: int
    is_active: bool
    armed: bool
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_execution_id: UUID | None
    missed: int
    error: str | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class SchedulePatch(ApiStruct):
    """What to change; a schedule that changes counts from now."""

    expression: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    calendar_id: UUID | UnsetType | None = UNSET
    misfire: Misfire | UnsetType = UNSET
    max_pending: Count | UnsetType = UNSET
    start_at: datetime | UnsetType | None = UNSET
    end_at: datetime | UnsetType | None = UNSET
    configuration: dict[str, Any] | UnsetType = UNSET
    variables: dict[str, Any] | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=-10, le=10)] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class ScheduleBody(SchedulePatch, kw_only=True):
    """A new schedule. `expression` is cron's text, an interval like 15m, or an RRULE; `configuration` has the rest."""

    flow_id: UUID
    expression: str
    type: Kind = "cron"


class SchedulePut(SchedulePatch, kw_only=True):
    """A schedule as it shall be: what is left out takes its default."""

    expression: str
    name: str = ""
    configuration: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    priority: Annotated[int, Meta(ge=-10, le=10)] = 0
    is_active: bool = True


class PreviewBody(ApiStruct):
    """A schedule that is not stored."""

    expression: str
    type: Kind = "cron"
    timezone: str = "UTC"
    calendar_id: UUID | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    configuration: dict[str, Any] = {}


class Preview(Struct, kw_only=True):
    """The next due instants, on the wall clock of the time zone."""

    timezone: str
    next: list[datetime]


class TickOut(Struct, kw_only=True):
    """What became of a due instant."""

    fire_at: datetime
    outcome: str
    execution_id: UUID | None
    missed: int
    error: str | None
    created_at: datetime


class SchedulesController(Controller):
    """Schedules."""

    path = "/schedules"
    tags = ("schedules",)

    @get("/", opt=scoped("schedule:read"))
    async def list_schedules(
        self,
        ctx: NamedDependency[Context],
        paging: NamedDependency[Paging],
        flow_id: FromQuery[UUID | None] = None,
        is_active: FromQuery[bool | None] = None,
    ) -> Envelope[list[ScheduleOut]]:
        """Schedules, newest first."""
        async with ctx.transaction() as session:
            rows, total = await triggers.list_(
                session, ctx.actor, flow_id=flow_id, mode="time", is_active=is_active, limit=paging.limit,
                offset=paging.offset,
            )  # fmt: skip
        return page_of([_shown(row) for row in rows], total, paging)

    @post("/", opt=scoped("schedule:create"))
    async def create_schedule(
        self, ctx: NamedDependency[Context], data: JSONBody[ScheduleBody]
    ) -> Envelope[ScheduleOut]:
        """Make a schedule; it acts while it and the flow are active."""
        fields = given(data, "row_version")
        configuration = _configuration(data.type, fields, {})
        async with ctx.transaction() as session:
            await reach(session, ctx.actor, "schedule:create", "flow", data.flow_id)
            await flows.get(session, ctx.actor, data.flow_id)
            row = await triggers.create(
                session, ctx.actor, ctx.services.vault, ctx.registry, flow_id=data.flow_id, type=data.type,
                configuration=configuration, **{name: fields[name] for name in _OWN if name in fields},
            )  # fmt: skip
            return ok(_shown(row))

    @get("/next", opt=scoped("schedule:read"))
    async def list_next(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging]
    ) -> Envelope[list[ScheduleOut]]:
        """Schedules that are due, the soonest first."""
        async with ctx.transaction() as session:
            rows, total = await triggers.list_(
                session, ctx.actor, mode="time", limit=paging.limit, offset=paging.offset, soonest=True
            )
        return page_of([_shown(row) for row in rows], total, paging)

    @post("/preview", opt=permission("schedule:read"), status_code=200)
    async def preview_unsaved(self, ctx: NamedDependency[Context], data: JSONBody[PreviewBody]) -> Envelope[Preview]:
        """The next ten due instants of a schedule that is not stored."""
        return ok(await _preview(ctx, data.type, _configuration(data.type, given(data), {})))

    @get("/{schedule_id:uuid}", opt=permission("schedule:read"))
    async def get_schedule(self, ctx: NamedDependency[Context], schedule_id: FromPath[UUID]) -> Envelope[ScheduleOut]:
        """One schedule."""
        return ok(_shown(await _row(ctx, schedule_id)))

    @patch("/{schedule_id:uuid}", opt=permission("schedule:update"))
    async def update_schedule(
        self, ctx: NamedDependency[Context], schedule_id: FromPath[UUID], data: JSONBody[SchedulePatch],
        if_match: IfMatch = None,
    ) -> Envelope[ScheduleOut]:  # fmt: skip
        """Change what is given."""
        return ok(await _changed(ctx, schedule_id, data, if_match))

    @put("/{schedule_id:uuid}", opt=permission("schedule:update"))
    async def replace_schedule(
        self, ctx: NamedDependency[Context], schedule_id: FromPath[UUID], data: JSONBody[SchedulePut],
        if_match: IfMatch = None,
    ) -> Envelope[ScheduleOut]:  # fmt: skip
        """Put the schedule as a whole; it stays cron, interval or rrule."""
        return ok(await _changed(ctx, schedule_id, data, if_match))

    @delete("/{schedule_id:uuid}", opt=permission("schedule:delete"), status_code=200)
    async def delete_schedule(
        self, ctx: NamedDependency[Context], schedule_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Remove a schedule."""
        async with ctx.transaction() as session:
            await triggers.delete(session, ctx.actor, schedule_id, mode="time")
        return ok({"id": schedule_id})

    @get("/{schedule_id:uuid}/preview", opt=permission("schedule:read"))
    async def preview_schedule(
        self, ctx: NamedDependency[Context], schedule_id: FromPath[UUID], limit: Many = 10,
        after: FromQuery[datetime | None] = None,
    ) -> Envelope[Preview]:  # fmt: skip
        """Its next due instants, from now or from a later moment."""
        row = await _row(ctx, schedule_id)
        return ok(await _preview(ctx, row.type, row.configuration, count=limit, after=after))

    @get("/{schedule_id:uuid}/ticks", opt=permission("schedule:read"))
    async def list_ticks(
        self, ctx: NamedDependency[Context], schedule_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[TickOut]]:
        """What became of its due instants, newest first."""
        await _row(ctx, schedule_id)
        async with ctx.transaction() as session:
            rows, total = await triggers.ticks(
                session, ctx.actor, schedule_id, limit=paging.limit, offset=paging.offset
            )
        names = TickOut.__struct_fields__
        return page_of([TickOut(**{name: row[name] for name in names}) for row in rows], total, paging)

    @post("/{schedule_id:uuid}/pause", opt=permission("schedule:update"), status_code=200)
    async def pause_schedule(self, ctx: NamedDependency[Context], schedule_id: FromPath[UUID]) -> Envelope[ScheduleOut]:
        """Nothing is due until it goes on."""
        return ok(await _switched(ctx, schedule_id, active=False))

    @post("/{schedule_id:uuid}/resume", opt=permission("schedule:update"), status_code=200)
    async def resume_schedule(
        self, ctx: NamedDependency[Context], schedule_id: FromPath[UUID]
    ) -> Envelope[ScheduleOut]:
        """Go on from now; what was due meanwhile is not made up for."""
        return ok(await _switched(ctx, schedule_id, active=True))

    @post("/{schedule_id:uuid}/run", opt=permission("flow:execute"), status_code=202)
    async def run_schedule(
        self, ctx: NamedDependency[Context], schedule_id: FromPath[UUID], idempotency_key: IdempotencyKey = None
    ) -> Envelope[Started]:
        """Start its flow now; the due instants stay as they are."""
        async with ctx.transaction() as session:
            made = await triggers.run(
                session, ctx.actor, ctx.services.host, schedule_id, mode="time", key=_own(ctx, idempotency_key)
            )
        return ok(Started(execution_id=made))


async def _row(ctx: Context, schedule_id: UUID) -> Trigger:
    async with ctx.transaction() as session:
        return await triggers.get(session, ctx.actor, schedule_id, mode="time")


async def _switched(ctx: Context, schedule_id: UUID, *, active: bool) -> ScheduleOut:
    async with ctx.transaction() as session:
        row = await triggers.get(session, ctx.actor, schedule_id, mode="time")
        if row.is_active == active:
            return _shown(row)
        return _shown(await triggers.update(
            session, ctx.actor, ctx.services.vault, ctx.registry, schedule_id, {"is_active": active},
            row.row_version, mode="time",
        ))  # fmt: skip


async def _preview(
    ctx: Context, kind: str, configuration: dict[str, Any], *, count: int = 10, after: datetime | None = None
) -> Preview:
    from zoneinfo import ZoneInfo

    if after is not None and after.tzinfo is None:
        raise ConfigError("write 'after' with an offset, e.g. 2026-03-01T00:00:00Z", field="after")
    async with ctx.transaction() as session:
        found = await triggers.preview(session, ctx.actor, ctx.registry, kind, configuration, count=count, after=after)
    zone = configuration.get("timezone", "UTC")
    return Preview(timezone=zone, next=[at.astimezone(ZoneInfo(zone)) for at in found])


async def _changed(ctx: Context, schedule_id: UUID, data: SchedulePatch, if_match: str | None) -> ScheduleOut:
    async with ctx.transaction() as session:
        row = await triggers.get(session, ctx.actor, schedule_id, mode="time")
        whole = isinstance(data, SchedulePut)
        fields = given(data, "row_version") if whole else merged(data, row, "row_version")
        changes: dict[str, Any] = {name: fields[name] for name in _OWN if name in fields}
        if fields.keys() - changes.keys():
            changes["configuration"] = _configuration(row.type, fields, {} if whole else row.configuration)
        return _shown(await triggers.update(
            session, ctx.actor, ctx.services.vault, ctx.registry, schedule_id, changes,
            base_version(if_match, data.row_version, "schedule"), mode="time",
        ))  # fmt: skip


def _configuration(kind: str, fields: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """The trigger's configuration from the fields of a schedule."""
    made = {**fields.get("configuration", stored)}
    for name in _PLAIN:
        if name in fields:
            value = fields[name]
            made[name] = value.isoformat() if isinstance(value, datetime) else value
    if "calendar_id" in fields:
        made["calendar_id"] = str(fields["calendar_id"] or "")
    if "expression" in fields:
        made |= _expressed(kind, fields["expression"])
    return made


def _expressed(kind: str, text: str) -> dict[str, Any]:
    if kind == "cron":
        return {"expression": text}
    if kind == "rrule":
        return {"rule": text}
    try:
        every, unit = step_of(text.strip())
    except ConfigError:
        raise ConfigError(f"'{text}' is no interval; write e.g. 30s, 15m, 1h or 1d", field="expression") from None
    return {"every": every, "unit": _UNITS[unit]}


def _shown(row: Trigger) -> ScheduleOut:
    config = row.configuration
    units = {name: short for short, name in _UNITS.items()}
    text = {"cron": config.get("expression", ""), "rrule": config.get("rule", "")}.get(
        row.type, f"{config.get('every', '')}{units.get(config.get('unit', 'minutes'), '')}"
    )
    names = (
        "id", "name", "flow_id", "node_id", "type", "timezone", "calendar_id", "misfire", "configuration", "variables",
        "priority", "is_active", "armed", "last_execution_id", "missed", "error", "created_at", "updated_at",
        "row_version",
    )  # fmt: skip
    return ScheduleOut(
        **{name: getattr(row, name) for name in names}, expression=text, max_pending=row.max_pending or 0,
        start_at=config.get("start_at"), end_at=config.get("end_at"), next_run_at=row.next_fire_at,
        last_run_at=row.last_fired_at,
    )  # fmt: skip
