"""Triggers of flows, whatever their kind."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from headrace.flows import service as flows
from headrace.sdk.forms import config_schema
from headrace.triggers import addresses, keys, secrets
from headrace.triggers import service as triggers
from headrace.triggers.models import Trigger
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.api.executions import IdempotencyKey, _own
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, base_version, given, merged, ok, page_of
from headrace_web.guards import permission, scoped

_OTHERWISE = frozenset({"trigger_type", "secrets", "state", "url", "alias_url"})
IfMatch = Annotated[str | None, HeaderParameter(name="If-Match")]


class TriggerTypeOut(Struct, kw_only=True):
    """A kind of trigger, and its forms."""

    id: str
    title: str
    mode: str
    summary: str
    icon: str
    docs: str
    node_type: str
    form: dict[str, Any]
    secrets: dict[str, Any]


class TriggerOut(Struct, kw_only=True):
    """A trigger; secrets show only whether they are set. `url` and `alias_url` are where a webhook, form or chat is."""

    id: UUID
    flow_id: UUID
    node_id: str | None
    name: str
    trigger_type: str
    mode: str
    configuration: dict[str, Any]
    secrets: dict[str, Any]
    variables: dict[str, Any]
    priority: int
    is_active: bool
    armed: bool
    state: dict[str, Any]
    next_fire_at: datetime | None
    last_fired_at: datetime | None
    last_execution_id: UUID | None
    missed: int
    failures: int
    error: str | None
    created_at: datetime
    updated_at: datetime
    row_version: int
    url: str | None = None
    alias_url: str | None = None


class Duplicate(Struct, kw_only=True):
    """An event whose key was seen before; it started nothing.

    Attributes:
        origin: What brought it: a delivery id, a due instant, the key of an event.
        execution_id: What the first one started.
    """

    id: int
    key: str
    origin: str
    execution_id: UUID | None
    created_at: datetime


class Started(Struct, kw_only=True):
    """An execution that was accepted."""

    execution_id: UUID


class RunBody(ApiStruct):
    """What the trigger's step gives: rows, or one row."""

    input_data: dict[str, Any] = {}


class TriggerPatch(ApiStruct):
    """What to change; secrets that are left out stay."""

    name: str | UnsetType = UNSET
    configuration: dict[str, Any] | UnsetType = UNSET
    secrets: dict[str, Any] | UnsetType = UNSET
    variables: dict[str, Any] | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class TriggerPut(ApiStruct):
    """A trigger as it shall be: what is left out takes its default; secrets that are left out stay."""

    name: str = ""
    configuration: dict[str, Any] = {}
    secrets: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    priority: int = 0
    is_active: bool = True
    row_version: int | UnsetType = UNSET


class TriggerBody(TriggerPatch, kw_only=True):
    """A new trigger."""

    trigger_type: str


class NextBody(ApiStruct):
    """A trigger that is not stored."""

    trigger_type: str
    configuration: dict[str, Any] = {}


class FlowTriggersController(Controller):
    """Triggers of one flow."""

    path = "/flows/{flow_id:uuid}/triggers"
    tags = ("triggers",)

    @get("/", opt=permission("trigger:read"))
    async def list_flow_triggers(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[TriggerOut]]:
        """Triggers of the flow, newest first."""
        async with ctx.transaction() as session:
            await flows.get(session, ctx.actor, flow_id)
            rows, total = await triggers.list_(
                session, ctx.actor, flow_id=flow_id, limit=paging.limit, offset=paging.offset
            )
            return page_of([await shown_trigger(ctx, session, row) for row in rows], total, paging)

    @post("/", opt=permission("trigger:create"))
    async def create_trigger(
        self, ctx: NamedDependency[Context], flow_id: FromPath[UUID], data: JSONBody[TriggerBody]
    ) -> Envelope[TriggerOut]:
        """Make a trigger; it acts while it and the flow are active."""
        async with ctx.transaction() as session:
            row = await triggers.create(
                session, ctx.actor, ctx.services.vault, ctx.registry, flow_id=flow_id, type=data.trigger_type,
                **given(data, "trigger_type", "row_version"),
            )  # fmt: skip
            return ok(await shown_trigger(ctx, session, row))


class TriggersController(Controller):
    """Triggers."""

    path = "/triggers"
    tags = ("triggers",)

    @get("/types", opt=scoped("flow:read"))
    async def list_trigger_types(self, ctx: NamedDependency[Context]) -> Envelope[list[TriggerTypeOut]]:
        """Kinds of triggers that the plugins offer, with their forms."""
        found = []
        for name, entry in sorted(ctx.registry.triggers.items()):
            one = entry.manifest
            found.append(TriggerTypeOut(
                id=name, title=one.title, mode=one.mode, summary=one.summary, icon=one.icon, docs=one.docs,
                node_type=entry.node_type, form=config_schema(one.config),
                secrets=config_schema(one.secrets) if one.secrets else {},
            ))  # fmt: skip
        return ok(found)

    @post("/next", opt=permission("trigger:read"), status_code=200)
    async def next_of_unsaved(
        self, ctx: NamedDependency[Context], data: JSONBody[NextBody]
    ) -> Envelope[list[datetime]]:
        """The next ten due instants of a trigger by the clock that is not stored."""
        async with ctx.transaction() as session:
            return ok(await triggers.preview(session, ctx.actor, ctx.registry, data.trigger_type, data.configuration))

    @get("/", opt=scoped("trigger:read"))
    async def list_triggers(
        self,
        ctx: NamedDependency[Context],
        paging: NamedDependency[Paging],
        flow_id: FromQuery[UUID | None] = None,
        is_active: FromQuery[bool | None] = None,
    ) -> Envelope[list[TriggerOut]]:
        """Triggers, newest first."""
        async with ctx.transaction() as session:
            rows, total = await triggers.list_(
                session, ctx.actor, flow_id=flow_id, is_active=is_active, limit=paging.limit, offset=paging.offset
            )
            return page_of([await shown_trigger(ctx, session, row) for row in rows], total, paging)

    @get("/{trigger_id:uuid}", opt=permission("trigger:read"))
    async def get_trigger(self, ctx: NamedDependency[Context], trigger_id: FromPath[UUID]) -> Envelope[TriggerOut]:
        """One trigger."""
        async with ctx.transaction() as session:
            return ok(await shown_trigger(ctx, session, await triggers.get(session, ctx.actor, trigger_id)))

    @patch("/{trigger_id:uuid}", opt=permission("trigger:update"))
    async def update_trigger(
        self, ctx: NamedDependency[Context], trigger_id: FromPath[UUID], data: JSONBody[TriggerPatch],
        if_match: IfMatch = None,
    ) -> Envelope[TriggerOut]:  # fmt: skip
        """Change what is given; a schedule counts from now."""
        return ok(await _changed(ctx, trigger_id, data, if_match))

    @put("/{trigger_id:uuid}", opt=permission("trigger:update"))
    async def replace_trigger(
        self, ctx: NamedDependency[Context], trigger_id: FromPath[UUID], data: JSONBody[TriggerPut],
        if_match: IfMatch = None,
    ) -> Envelope[TriggerOut]:  # fmt: skip
        """Put the trigger as a whole; a schedule counts from now."""
        return ok(await _changed(ctx, trigger_id, data, if_match))

    @delete("/{trigger_id:uuid}", opt=permission("trigger:delete"), status_code=200)
    async def delete_trigger(
        self, ctx: NamedDependency[Context], trigger_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Remove a trigger."""
        async with ctx.transaction() as session:
            await triggers.delete(session, ctx.actor, trigger_id)
        return ok({"id": trigger_id})

    @get("/{trigger_id:uuid}/duplicates", opt=permission("trigger:read"))
    async def list_duplicates(
        self, ctx: NamedDependency[Context], trigger_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[Duplicate]]:
        """Events that its `unique_by` took for ones seen before, newest first."""
        async with ctx.transaction() as session:
            row = await triggers.get(session, ctx.actor, trigger_id)
            found, total = await keys.duplicates(session, row, limit=paging.limit, offset=paging.offset)
        names = Duplicate.__struct_fields__
        return page_of([Duplicate(**{name: one[name] for name in names}) for one in found], total, paging)

    @post("/{trigger_id:uuid}/run", opt=permission("flow:execute"), status_code=202)
    async def run_trigger(
        self, ctx: NamedDependency[Context], trigger_id: FromPath[UUID], data: JSONBody[RunBody | None] = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Envelope[Started]:  # fmt: skip
        """Start its flow now, whether it is active or not."""
        async with ctx.transaction() as session:
            made = await triggers.run(
                session, ctx.actor, ctx.services.host, trigger_id, input_data=data.input_data if data else None,
                key=_own(ctx, idempotency_key),
            )  # fmt: skip
        return ok(Started(execution_id=made))


async def _changed(ctx: Context, trigger_id: UUID, data: TriggerPatch | TriggerPut, if_match: str | None) -> TriggerOut:
    async with ctx.transaction() as session:
        stored = await triggers.get(session, ctx.actor, trigger_id)
        changes = given(data, "row_version")
        if isinstance(data, TriggerPatch):
            changes |= merged(data, stored, "row_version", "secrets")
        row = await triggers.update(
            session, ctx.actor, ctx.services.vault, ctx.registry, trigger_id, changes,
            base_version(if_match, data.row_version, "trigger"),
        )  # fmt: skip
        return await shown_trigger(ctx, session, row)


async def shown_trigger(ctx: Context, session: AsyncSession, row: Trigger) -> TriggerOut:
    """A row as answers give it; a kind whose plugin is gone shows no secrets."""
    entry = ctx.registry.triggers.get(row.type)
    stored = await secrets.Sealed(ctx.services.vault, row).open(session) if entry and row.secrets else {}
    names = (name for name in TriggerOut.__struct_fields__ if name not in _OTHERWISE)
    url, alias_url = await addresses_of(ctx, session, row, stored)
    state = {name: value for name, value in row.state.items() if name != "cursor"}  # the source's own, and large
    return TriggerOut(
        state=state,
        trigger_type=row.type, secrets=secrets.shown(entry.manifest.secrets if entry else None, stored),
        url=url, alias_url=alias_url, **{name: getattr(row, name) for name in names},
    )  # fmt: skip


async def addresses_of(
    ctx: Context, session: AsyncSession, row: Trigger, stored: dict[str, Any]
) -> tuple[str | None, str | None]:
    """Where a webhook, form or chat is reached: by its key, and by its own path."""
    if row.mode not in addresses.PLACES or secrets.KEY not in stored:
        return None, None
    base = f"{ctx.services.settings.link_base}/{addresses.PLACES[row.mode]}"
    alias = f"{base}/{await addresses.slug_of(session, row)}/{row.alias}" if row.alias else None
    return f"{base}/{stored[secrets.KEY]}", alias
