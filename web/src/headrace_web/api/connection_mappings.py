"""Mappings of a connection: where it has the state of equipment and its measurements, and their rows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from headrace.connections import mappings
from headrace.connections import service as connections
from headrace.connections.mapped import DataType, Filters, TimeRange
from headrace.plugins.records import ConnectionSpec
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType, field, to_builtins

from headrace_web.api.connections import token_of
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, part_of, shown
from headrace_web.guards import permission

Table = Annotated[str, Meta(max_length=255, description="`table` or `schema.table`; or a base query instead.")]
Columns = Annotated[
    dict[str, Annotated[str, Meta(min_length=1, max_length=255)]],
    Meta(description="Column of the source by field of ours; empty: columns are called like the fields."),
]
Query = Annotated[str, Meta(max_length=50_000, description="One SELECT, under the SQL policy.")]
Order = Annotated[str, Meta(max_length=500, description="Fields of ours, e.g. `equipment_code, status DESC`.")]
Seconds = Annotated[int, Meta(ge=0, le=86_400)]
Records = Annotated[int, Meta(ge=1, le=10_000)]
Word = Annotated[str, Meta(min_length=1, max_length=255)]


class MappingOut(Struct, kw_only=True):
    """A mapping."""

    id: UUID
    connection_id: UUID
    data_type: str
    source_table_name: str
    source_field_mappings: dict[str, str]
    base_query: str
    filter_conditions: Filters
    order_by_clause: str
    cache_duration: int
    max_records: int
    created_by: UUID | None
    updated_by: UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class MappingPatch(ApiStruct):
    """What to change; filters and field mappings as a whole."""

    source_table_name: Table | UnsetType = UNSET
    source_field_mappings: Columns | UnsetType = UNSET
    base_query: Query | UnsetType = UNSET
    filter_conditions: Filters | UnsetType = UNSET
    order_by_clause: Order | UnsetType = UNSET
    cache_duration: Seconds | UnsetType = UNSET
    max_records: Records | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class MappingFields(ApiStruct, kw_only=True):
    """A mapping as it shall be: what is left out takes its default."""

    source_table_name: Table = ""
    source_field_mappings: Columns = {}
    base_query: Query = ""
    filter_conditions: Filters = field(default_factory=Filters)
    order_by_clause: Order = ""
    cache_duration: Seconds = 300
    max_records: Records = 1_000


class MappingPut(MappingFields, kw_only=True):
    """A mapping instead of the one that there is."""

    row_version: int | UnsetType = UNSET


class MappingBody(MappingFields, kw_only=True):
    """A new mapping; a connection has one of each kind at most."""

    data_type: DataType


class MappedRows(Struct, kw_only=True):
    """Rows by the names of our fields; `cached` ones were read at `read_at`, not now."""

    rows: list[dict[str, Any]]
    truncated: bool
    cached: bool
    read_at: datetime


class ConnectionMappingsController(Controller):
    """Mappings."""

    path = "/connections/{connection_id:uuid}/mappings"
    tags = ("connections",)

    @get("/", opt=permission("connection:query"))
    async def list_mappings(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], connection_id: FromPath[UUID]
    ) -> Envelope[list[MappingOut]]:
        """Mappings of a connection, by kind."""
        async with ctx.transaction() as session:
            await connections.get(session, ctx.actor, connection_id)
            rows = await mappings.list_(session, ctx.actor, connection_id)
        return part_of([shown(MappingOut, row) for row in rows], paging)

    @post("/", opt=permission("connection:update"))
    async def create_mapping(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], data: JSONBody[MappingBody]
    ) -> Envelope[MappingOut]:
        """Say where a kind of data is."""
        async with ctx.transaction() as session:
            connection = await connections.get(session, ctx.actor, connection_id)
            fields = _fields(data, "data_type")
            row = await mappings.create(session, ctx.actor, ctx.registry, connection, data.data_type, fields)
            return ok(shown(MappingOut, row))

    @get("/{mapping_id:uuid}", opt=permission("connection:query"))
    async def get_mapping(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], mapping_id: FromPath[UUID]
    ) -> Envelope[MappingOut]:
        """One mapping."""
        async with ctx.transaction() as session:
            await connections.get(session, ctx.actor, connection_id)
            return ok(shown(MappingOut, await mappings.get(session, ctx.actor, connection_id, mapping_id)))

    @patch("/{mapping_id:uuid}", opt=permission("connection:update"))
    async def update_mapping(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], mapping_id: FromPath[UUID],
        data: JSONBody[MappingPatch], if_match: IfMatch = None,
    ) -> Envelope[MappingOut]:  # fmt: skip
        """Change what is given."""
        return ok(await _changed(ctx, connection_id, mapping_id, data, if_match))

    @put("/{mapping_id:uuid}", opt=permission("connection:update"))
    async def replace_mapping(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], mapping_id: FromPath[UUID],
        data: JSONBody[MappingPut], if_match: IfMatch = None,
    ) -> Envelope[MappingOut]:  # fmt: skip
        """Put the mapping as a whole; its kind stays."""
        return ok(await _changed(ctx, connection_id, mapping_id, data, if_match))

    @delete("/{mapping_id:uuid}", opt=permission("connection:update"), status_code=200)
    async def delete_mapping(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], mapping_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Remove a mapping; the data stays where it is."""
        async with ctx.transaction() as session:
            await connections.get(session, ctx.actor, connection_id)
            await mappings.delete(session, ctx.actor, connection_id, mapping_id)
        return ok({"id": mapping_id})

    @get("/{mapping_id:uuid}/rows", opt=permission("connection:query"))
    async def read_rows(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], mapping_id: FromPath[UUID],
        equipment_types: Annotated[list[Word] | None, QueryParameter(max_items=100)] = None,
        status_filter: Annotated[list[Word] | None, QueryParameter(max_items=100)] = None,
        since: Annotated[datetime | None, QueryParameter(name="from")] = None,
        until: Annotated[datetime | None, QueryParameter(name="to")] = None,
        limit: Annotated[int | None, QueryParameter(ge=1, le=10_000)] = None,
    ) -> Envelope[MappedRows]:  # fmt: skip
        """Rows that pass the mapping's filters and those of the address, `max_records` at most."""
        span = TimeRange(since=since, until=until) if since or until else None
        filters = Filters(equipment_types=equipment_types or [], status_filter=status_filter or [], time_range=span)
        async with ctx.transaction() as session:
            connection = await connections.get(session, ctx.actor, connection_id)
            row = await mappings.get(session, ctx.actor, connection_id, mapping_id)
            config = await ctx.services.vault.open(session, connection)
            session.expunge_all()
        spec = ConnectionSpec(connection.connector, config, str(connection.id))
        found, cached = await ctx.services.readings.read(
            ctx.registry, connection, spec, row, filters, limit, token_of(ctx, spec)
        )
        return ok(MappedRows(rows=found.rows, truncated=found.truncated, cached=cached,
                             read_at=datetime.fromisoformat(found.read_at)))  # fmt: skip


async def _changed(
    ctx: Context, connection_id: UUID, mapping_id: UUID, data: MappingPatch | MappingPut, if_match: str | None
) -> MappingOut:
    async with ctx.transaction() as session:
        connection = await connections.get(session, ctx.actor, connection_id)
        await mappings.get(session, ctx.actor, connection_id, mapping_id)
        base = base_version(if_match, data.row_version, "mapping")
        fields = _fields(data, "row_version")
        row = await mappings.update(session, ctx.actor, ctx.registry, connection, mapping_id, fields, base)
        return shown(MappingOut, row)


def _fields(data: Struct, *leave_out: str) -> dict[str, Any]:
    fields = given(data, *leave_out)
    if "filter_conditions" in fields:
        fields["filter_conditions"] = to_builtins(fields["filter_conditions"])
    return fields
