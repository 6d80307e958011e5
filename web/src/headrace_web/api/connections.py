"""Connections: secrets go in and never come out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from headrace.access.resolve import reached
from headrace.accounts.service import check_version
from headrace.connections import explore, secrets, tokens
from headrace.connections import service as connections
from headrace.connections.models import Connection
from headrace.flows.models import Flow
from headrace.flows.uses import refuse_used, users_of
from headrace.infra.clock import now
from headrace.plugins.records import ConnectionSpec
from headrace.sdk.connectors import WriteMode
from headrace.workspaces import service as workspaces
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.api.flows import checked_name
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, base_version, given, ok, page_of, shown
from headrace_web.guards import permission, scoped

IfMatch = Annotated[str | None, HeaderParameter(name="If-Match")]
CHOICES_MAX = 500
Rows = Annotated[int, QueryParameter(ge=1, le=1_000)]


class ConnectionOut(Struct, kw_only=True):
    """A connection without its config."""

    id: UUID
    workspace_id: UUID | None
    name: str
    description: str
    connector: str
    status: str
    health_status: str
    test_status: str
    test_result: dict[str, Any] | None
    last_tested_at: datetime | None
    created_by: UUID | None
    updated_by: UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class UsedBy(Struct, kw_only=True):
    """A flow whose steps use a connection."""

    id: UUID
    name: str


class ConnectionWhole(ConnectionOut, kw_only=True):
    """A connection with its config, whose secrets show only whether they are set, and the flows that use it."""

    config: dict[str, Any] = {}
    used_by: list[UsedBy] = []


class ConnectionBody(ApiStruct):
    """A new connection."""

    name: str
    connector: str
    config: dict[str, Any] = {}
    description: str = ""
    workspace_id: UUID | None = None


class ConnectionPatch(ApiStruct):
    """What to change, as a merge patch; secrets that the config leaves out stay."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class ConnectionPut(ApiStruct):
    """A connection as it shall be: what is left out takes its default; secrets that the config leaves out stay."""

    name: str
    description: str = ""
    config: dict[str, Any] = {}
    row_version: int | UnsetType = UNSET


class ProbeBody(ApiStruct):
    """A connection that is not stored; with an `id` its stored secrets fill the gaps."""

    connector: str
    config: dict[str, Any] = {}
    id: UUID | None = None


class ChoicesBody(ProbeBody, kw_only=True):
    """A connection that is being filled in, and the field that somebody is at."""

    field: str
    q: str = ""


class Choice(Struct, kw_only=True):
    """A value to choose."""

    value: str
    label: str


class QueryBody(ApiStruct):
    """A SELECT, and values for its `:name` parameters."""

    sql: Annotated[str, Meta(min_length=1, max_length=50_000)]
    parameters: dict[str, str | int | float | bool | None] = {}
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


class WritePlanBody(ApiStruct):
    """A write that is looked at before it is done; a column has at least `name` and `type`."""

    stream: str
    columns: list[dict[str, Any]]
    mode: WriteMode = "append"
    keys: list[str] = []
    options: dict[str, Any] = {}


class PlannedChange(Struct, kw_only=True):
    """One thing that the write would do; `loses` is to be asked about before."""

    kind: str
    text: str
    column: str
    rows: int | None
    loses: bool


class Tested(Struct, kw_only=True):
    """The outcome of a test."""

    ok: bool
    ms: int
    checks: list[dict[str, Any]]
    hint: str = ""


class ConnectionsController(Controller):
    """Connections."""

    path = "/connections"
    tags = ("connections",)

    @get("/", opt=scoped("connection:read"))
    async def list_connections(
        self,
        ctx: NamedDependency[Context],
        paging: NamedDependency[Paging],
        connector: FromQuery[str | None] = None,
        q: FromQuery[str] = "",
    ) -> Envelope[list[ConnectionOut]]:
        """Connections by name."""
        async with ctx.transaction() as session:
            rows, total = await connections.list_(
                session, ctx.actor, connector=connector, q=q, limit=paging.limit, offset=paging.offset
            )
        return page_of([shown(ConnectionOut, row) for row in rows], total, paging)

    @post("/", opt=scoped("connection:create"))
    async def create_connection(
        self, ctx: NamedDependency[Context], data: JSONBody[ConnectionBody]
    ) -> Envelope[ConnectionWhole]:
        """Store a connection."""
        async with ctx.transaction() as session:
            if data.workspace_id is None:
                ctx.actor.require("connection:create")
            else:
                await workspaces.get_workspace(session, ctx.actor, data.workspace_id, right="connection:create")
            row = await connections.create(
                session, ctx.actor, ctx.services.vault, ctx.registry, name=checked_name(data.name),
                connector=data.connector, config=data.config, workspace_id=data.workspace_id,
                description=data.description,
            )  # fmt: skip
            return ok(await _whole(ctx, session, row))

    @get("/{connection_id:uuid}", opt=permission("connection:read"))
    async def get_connection(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID]
    ) -> Envelope[ConnectionWhole]:
        """One connection."""
        async with ctx.transaction() as session:
            return ok(await _whole(ctx, session, await connections.get(session, ctx.actor, connection_id)))

    @patch("/{connection_id:uuid}", opt=permission("connection:update"))
    async def update_connection(
        self,
        ctx: NamedDependency[Context],
        connection_id: FromPath[UUID],
        data: JSONBody[ConnectionPatch],
        if_match: IfMatch = None,
    ) -> Envelope[ConnectionWhole]:
        """Change what is given."""
        return ok(await _changed(ctx, connection_id, data, if_match))

    @put("/{connection_id:uuid}", opt=permission("connection:update"))
    async def replace_connection(
        self,
        ctx: NamedDependency[Context],
        connection_id: FromPath[UUID],
        data: JSONBody[ConnectionPut],
        if_match: IfMatch = None,
    ) -> Envelope[ConnectionWhole]:
        """Put the connection as a whole."""
        return ok(await _changed(ctx, connection_id, data, if_match))

    @delete("/{connection_id:uuid}", opt=permission("connection:delete"), status_code=200)
    async def delete_connection(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], force: FromQuery[bool] = False
    ) -> Envelope[dict[str, UUID]]:
        """Move a connection to the trash; refused while flows use it, unless forced."""
        async with ctx.transaction() as session:
            if not force:
                await refuse_used(session, await connections.get(session, ctx.actor, connection_id))
            await connections.delete(session, ctx.actor, connection_id)
        return ok({"id": connection_id})

    @post("/{connection_id:uuid}/restore", opt=permission("connection:restore"), status_code=200)
    async def restore_connection(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID]
    ) -> Envelope[ConnectionWhole]:
        """Bring back a connection from the trash."""
        async with ctx.transaction() as session:
            row = await connections.restore(session, ctx.actor, ctx.registry, connection_id)
            return ok(await _whole(ctx, session, row))

    @post("/test", opt=permission("connection:test"), status_code=200)
    async def probe(self, ctx: NamedDependency[Context], data: JSONBody[ProbeBody]) -> Envelope[Tested]:
        """Test a connection before it is stored."""
        config = await _filled(ctx, data)
        return ok(Tested(**await explore.test(ctx.registry, data.connector, config)))

    @post("/options", opt=permission("connection:test"), status_code=200)
    async def list_choices(
        self, ctx: NamedDependency[Context], data: JSONBody[ChoicesBody]
    ) -> Envelope[dict[str, list[Choice]]]:
        """Values for a field of a connection that is being filled in: databases, buckets."""
        found = await explore.choices(ctx.registry, data.connector, await _filled(ctx, data), data.field)
        q = data.q.lower()
        return ok({"options": [Choice(value=one, label=one) for one in found if q in one.lower()][:CHOICES_MAX]})

    @post("/{connection_id:uuid}/test", opt=permission("connection:test"), status_code=200)
    async def test_connection(self, ctx: NamedDependency[Context], connection_id: FromPath[UUID]) -> Envelope[Tested]:
        """Test a stored connection and note the outcome."""
        spec = await _opened(ctx, connection_id)
        outcome = await explore.test(ctx.registry, spec.connector, spec.config, token_of(ctx, spec))
        async with ctx.transaction() as session:
            row = await connections.get(session, ctx.actor, connection_id)
            row.test_status = "success" if outcome["ok"] else "failed"
            row.health_status = "healthy" if outcome["ok"] else "unhealthy"
            row.test_result, row.last_tested_at = outcome, now()
        return ok(Tested(**outcome))

    @get("/{connection_id:uuid}/schema", opt=permission("connection:query"))
    async def list_streams(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID]
    ) -> Envelope[list[dict[str, Any]]]:
        """Streams (tables, files, endpoints) with their columns."""
        spec = await _opened(ctx, connection_id)
        return ok(await explore.streams(ctx.registry, spec.connector, spec.config, token_of(ctx, spec)))

    @get("/{connection_id:uuid}/preview", opt=permission("connection:query"))
    async def preview_stream(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], stream: FromQuery[str], limit: Rows = 100
    ) -> Envelope[dict[str, Any]]:
        """First rows of a stream."""
        spec = await _opened(ctx, connection_id)
        token = token_of(ctx, spec)
        return ok(await explore.preview(ctx.registry, spec.connector, spec.config, stream, limit, token))

    @post("/{connection_id:uuid}/query", opt=permission("connection:query"), status_code=200)
    async def query_rows(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], data: JSONBody[QueryBody]
    ) -> Envelope[dict[str, Any]]:
        """First rows of one SELECT, under the SQL policy; values are bound, never pasted in."""
        spec = await _opened(ctx, connection_id)
        return ok(await explore.query(
            ctx.registry, spec.connector, spec.config, data.sql, data.parameters, data.limit, token_of(ctx, spec)
        ))  # fmt: skip

    @post("/{connection_id:uuid}/plan", opt=permission("connection:query"), status_code=200)
    async def plan_write(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], data: JSONBody[WritePlanBody]
    ) -> Envelope[list[PlannedChange]]:
        """What a write of such rows would do to a stream; changes nothing."""
        spec = await _opened(ctx, connection_id)
        found = await explore.plan(
            ctx.registry, spec.connector, spec.config, data.stream, data.columns, mode=data.mode, keys=data.keys,
            options=data.options, token=token_of(ctx, spec),
        )  # fmt: skip
        return ok([shown(PlannedChange, change) for change in found])


async def _filled(ctx: Context, data: ProbeBody) -> dict[str, Any]:
    """What is filled in, with the stored secrets that it leaves out."""
    if data.id is None:
        return data.config
    async with ctx.transaction() as session:
        row = await connections.get(session, ctx.actor, data.id)
        stored = await ctx.services.vault.open(session, row)
    if row.connector != data.connector:
        return data.config
    return secrets.merged(ctx.registry.connector(data.connector).manifest, stored, data.config)


async def _opened(ctx: Context, connection_id: UUID) -> ConnectionSpec:
    async with ctx.transaction() as session:
        row = await connections.get(session, ctx.actor, connection_id)
        return ConnectionSpec(row.connector, await ctx.services.vault.open(session, row), str(row.id))


def token_of(ctx: Context, spec: ConnectionSpec) -> explore.TokenSource:
    """The token of a connection that a person connected, when it is asked for."""
    services = ctx.services
    return tokens.source(services.database, services.vault, ctx.registry, ctx.organization_id, spec)


async def _changed(
    ctx: Context, connection_id: UUID, data: ConnectionPatch | ConnectionPut, if_match: str | None
) -> ConnectionWhole:
    async with ctx.transaction() as session:
        row = await connections.get(session, ctx.actor, connection_id)
        check_version(row.row_version, base_version(if_match, data.row_version, "connection"))
        changes = given(data, "row_version")
        if "name" in changes:
            changes["name"] = checked_name(changes["name"])
        row = await connections.update(
            session, ctx.actor, ctx.services.vault, ctx.registry, connection_id, changes,
            whole=isinstance(data, ConnectionPut),
        )  # fmt: skip
        return await _whole(ctx, session, row)


async def _whole(ctx: Context, session: AsyncSession, row: Connection) -> ConnectionWhole:
    entry = ctx.registry.connectors.get(row.connector)
    config = secrets.shown(entry.manifest if entry else None, await ctx.services.vault.open(session, row))
    plain = shown(ConnectionOut, row)
    users = await users_of(session, row, reached(ctx.actor, "flow:read", "flow", Flow.id))
    return ConnectionWhole(
        **{name: getattr(plain, name) for name in plain.__struct_fields__}, config=config,
        used_by=[UsedBy(id=flow_id, name=name) for flow_id, name in users],
    )  # fmt: skip
