"""Mappings: where a connection has the state of equipment and its measurements. Nothing commits here."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from headrace.connections import explore
from headrace.connections.mapped import Filters, Source, checked, statement
from headrace.connections.models import Connection
from headrace.infra.clock import now
from headrace.infra.models import TenantModel, tenant_key
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError, Conflict, NotFound, PreconditionFailed
from headrace.sdk.manifests import Capability

EDITABLE = frozenset({
    "source_table_name", "source_field_mappings", "base_query", "filter_conditions", "order_by_clause",
    "cache_duration", "max_records",
})  # fmt: skip
KEPT = 256
"""Answers that a process keeps at most."""


class Mapping(TenantModel):
    """Where one kind of data is; at most one of a kind on each connection.

    Attributes:
        filter_conditions: `Filters` that each reading passes.
        cache_duration: Seconds that an answer is given again.
    """

    __tablename__ = "connection_mappings"
    __table_args__ = (
        tenant_key("connection_id", "connections", ondelete="CASCADE"),
        sa.UniqueConstraint("organization_id", "connection_id", "data_type"),
    )

    connection_id: Mapped[UUID]
    data_type: Mapped[str]
    source_table_name: Mapped[str] = mapped_column(default="")
    source_field_mappings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    base_query: Mapped[str] = mapped_column(default="")
    filter_conditions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    order_by_clause: Mapped[str] = mapped_column(default="")
    cache_duration: Mapped[int] = mapped_column(default=300)
    max_records: Mapped[int] = mapped_column(default=1_000)
    created_by: Mapped[UUID | None]
    updated_by: Mapped[UUID | None]

    @property
    def source(self) -> Source:
        """What is read."""
        kind: Any = self.data_type
        return checked(Source(
            data_type=kind, table=self.source_table_name, query=self.base_query, columns=self.source_field_mappings,
            order_by=self.order_by_clause,
        ))  # fmt: skip

    @property
    def filters(self) -> Filters:
        """Those of each reading."""
        return msgspec.convert(self.filter_conditions, Filters)


async def create(
    session: AsyncSession, actor: Any, registry: Registry, connection: Connection, data_type: str,
    fields: AnyMapping[str, Any],
) -> Mapping:  # fmt: skip
    """Say where a kind of data is.

    Raises:
        Conflict: this connection has a mapping of the kind.
        ConfigError: the connection takes no SQL, or the mapping cannot be.
    """
    mine = sa.select(Mapping).where(
        Mapping.organization_id == actor.organization_id, Mapping.connection_id == connection.id,
        Mapping.data_type == data_type,
    )  # fmt: skip
    if await session.scalar(mine) is not None:
        raise Conflict(f"'{connection.name}' has a mapping of {data_type} already; change that one", field="data_type")
    row = Mapping(
        organization_id=actor.organization_id, connection_id=connection.id, data_type=data_type,
        created_by=actor.user_id, updated_by=actor.user_id, source_table_name="", source_field_mappings={},
        base_query="", filter_conditions={}, order_by_clause="", cache_duration=300, max_records=1_000,
    )  # fmt: skip
    _set(registry, connection, row, fields)
    session.add(row)
    await session.flush()
    return row


async def get(session: AsyncSession, actor: Any, connection_id: UUID, mapping_id: UUID) -> Mapping:
    """A mapping of a connection.

    Raises:
        NotFound: it has no such one.
    """
    row = await session.get(Mapping, (actor.organization_id, mapping_id))
    if row is None or row.connection_id != connection_id:
        raise NotFound("there is no such mapping of this connection", resource="mapping")
    return row


async def list_(session: AsyncSession, actor: Any, connection_id: UUID) -> Sequence[Mapping]:
    """Mappings of a connection, by kind."""
    query = sa.select(Mapping).where(
        Mapping.organization_id == actor.organization_id, Mapping.connection_id == connection_id
    )
    return (await session.scalars(query.order_by(Mapping.data_type))).all()


async def update(
    session: AsyncSession, actor: Any, registry: Registry, connection: Connection, mapping_id: UUID,
    changes: AnyMapping[str, Any], base: int,
) -> Mapping:  # fmt: skip
    """Change a mapping.

    Raises:
        PreconditionFailed: it has changed since `base`.
        ConfigError: as `create`.
    """
    row = await get(session, actor, connection.id, mapping_id)
    if row.row_version != base:
        raise PreconditionFailed("this mapping was changed meanwhile; load it again", current=row.row_version)
    _set(registry, connection, row, changes)
    row.updated_by, row.updated_at = actor.user_id, now()
    await session.flush()
    return row


async def delete(session: AsyncSession, actor: Any, connection_id: UUID, mapping_id: UUID) -> None:
    """Remove a mapping; the data stays where it is."""
    await session.delete(await get(session, actor, connection_id, mapping_id))
    await session.flush()


def _set(registry: Registry, connection: Connection, row: Mapping, fields: AnyMapping[str, Any]) -> None:
    unknown = fields.keys() - EDITABLE
    if unknown:
        raise ConfigError(f"'{min(unknown)}' of a mapping cannot be changed", field=min(unknown))
    dialect = _dialect(registry, connection.connector)
    for name, value in fields.items():
        setattr(row, name, value)
    statement(row.source, [row.filters], dialect=dialect, limit=row.max_records)


def _dialect(registry: Registry, connector: str) -> str:
    entry = registry.connector(connector)
    if Capability.QUERY not in entry.manifest.capabilities:
        raise ConfigError(f"a connection of '{connector}' takes no SQL; map one of a database")
    return entry.dialect


class Rows(msgspec.Struct, frozen=True):
    """Rows of a mapping: fields of ours by name."""

    rows: list[dict[str, Any]]
    truncated: bool
    read_at: str


class Readings:
    """Reads mapped rows, and gives an answer again as long as the mapping allows; one for each process.

    The key has the organization, the versions of mapping and connection, and every filter. Whether somebody may read is
    asked before.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], tuple[float, Rows]] = OrderedDict()

    async def read(
        self, registry: Registry, connection: Connection, spec: ConnectionSpec, row: Mapping, filters: Filters,
        limit: int | None, token: explore.TokenSource,
    ) -> tuple[Rows, bool]:  # fmt: skip
        """Rows that pass the mapping's filters and these, and whether they were read before."""
        most = min(limit or row.max_records, row.max_records)
        key = (
            row.organization_id, row.id, row.row_version, connection.row_version, most, msgspec.json.encode(filters),
        )  # fmt: skip
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < row.cache_duration:
            return kept[1], True
        dialect = _dialect(registry, spec.connector)
        asked = statement(row.source, [row.filters, filters], dialect=dialect, limit=most)
        found = await explore.query(registry, spec.connector, spec.config, asked.sql, asked.values, most, token)
        names = [column["name"].lower() for column in found["schema"]] or list(row.source.columns)
        rows = Rows(
            [dict(zip(names, one, strict=True)) for one in found["rows"]], found["truncated"], now().isoformat()
        )
        if row.cache_duration:
            self._kept[key] = (time.monotonic(), rows)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return rows, False
