"""Assets: tables and files that flows have written."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.executions import assets
from headrace.sdk.errors import NotFound
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from headrace_web.deps import Context
from headrace_web.envelope import Envelope, Paging, StructT, ok, page_of
from headrace_web.guards import permission


class AssetOut(Struct, kw_only=True):
    """An asset; `rows` are those of the last write."""

    id: UUID
    connection_id: UUID
    connection: str
    object: str
    updates: int
    rows: int | None
    last_execution_id: UUID | None
    last_updated_at: datetime | None
    created_at: datetime


class UpdateOut(Struct, kw_only=True):
    """A write of an asset."""

    number: int
    execution_id: UUID
    flow_id: UUID
    node_id: str
    rows: int | None
    created_at: datetime


class AssetsController(Controller):
    """Assets."""

    path = "/assets"
    tags = ("assets",)

    @get("/", opt=permission("asset:read"))
    async def list_assets(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging],
        connection_id: FromQuery[UUID | None] = None,
    ) -> Envelope[list[AssetOut]]:  # fmt: skip
        """Assets, the one written last first."""
        async with ctx.transaction() as session:
            rows, total = await assets.list_(
                session, ctx.organization_id, connection_id=connection_id, limit=paging.limit, offset=paging.offset
            )
        return page_of([_shown(AssetOut, row) for row in rows], total, paging)

    @get("/{asset_id:uuid}", opt=permission("asset:read"))
    async def get_asset(self, ctx: NamedDependency[Context], asset_id: FromPath[UUID]) -> Envelope[AssetOut]:
        """One asset."""
        async with ctx.transaction() as session:
            row = await assets.get(session, ctx.organization_id, asset_id)
        if row is None:
            raise NotFound("there is no such asset", resource="asset")
        return ok(_shown(AssetOut, row))

    @get("/{asset_id:uuid}/updates", opt=permission("asset:read"))
    async def list_updates(
        self, ctx: NamedDependency[Context], asset_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[UpdateOut]]:
        """Who wrote it when, newest first; 90 days are kept."""
        async with ctx.transaction() as session:
            if await assets.get(session, ctx.organization_id, asset_id) is None:
                raise NotFound("there is no such asset", resource="asset")
            rows, total = await assets.updates(
                session, ctx.organization_id, asset_id, limit=paging.limit, offset=paging.offset
            )
        return page_of([_shown(UpdateOut, row) for row in rows], total, paging)


def _shown(kind: type[StructT], row: dict[str, Any]) -> StructT:
    return kind(**{name: row[name] for name in kind.__struct_fields__})
