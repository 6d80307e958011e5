"""Integrations: connections to other systems whose flows are brought here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from headrace.accounts.service import check_version
from headrace.connections import secrets
from headrace.connections import service as connections
from headrace.connections.models import Connection
from headrace.flows.uses import refuse_used
from headrace.infra.clock import now
from headrace.integrations import fetch
from headrace.sdk.config import secret_names
from headrace.sdk.errors import HeadraceError, NotFound
from headrace.workspaces import service as workspaces
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, Paging, base_version, given, ok, page_of
from headrace_web.flow_sync import Synced, sync_flows
from headrace_web.guards import permission, scoped

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Url = Annotated[str, Meta(min_length=1, max_length=500)]
Status = Literal["active", "inactive"]


class IntegrationOut(Struct, kw_only=True):
    """An integration; of its credentials it shows only whether they are set."""

    id: UUID
    workspace_id: UUID | None
    service: str
    service_name: str
    service_url: str
    credentials: dict[str, Any]
    configuration: dict[str, Any]
    status: str
    last_sync: datetime | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class IntegrationBody(ApiStruct, kw_only=True):
    """A new integration; `service` is the connector of the other system."""

    service: str = "n8n"
    service_name: Name
    service_url: Url
    credentials: dict[str, Any] = {}
    configuration: dict[str, Any] = {}
    status: Status = "inactive"
    workspace_id: UUID | None = None


class IntegrationPut(ApiStruct):
    """An integration as it shall be; credentials that are left out stay."""

    service_name: Name
    service_url: Url
    credentials: dict[str, Any] = {}
    configuration: dict[str, Any] = {}
    status: Status = "inactive"
    row_version: int | UnsetType = UNSET


class IntegrationPatch(ApiStruct):
    """What to change; credentials that are left out stay."""

    service_name: Name | UnsetType = UNSET
    service_url: Url | UnsetType = UNSET
    credentials: dict[str, Any] | UnsetType = UNSET
    configuration: dict[str, Any] | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class SyncBody(ApiStruct):
    """Which workflows to bring, and where to; all of them when none is named."""

    workflow_ids: Annotated[list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(max_length=1_000)] = []
    workspace_id: UUID | None = None
    folder_id: UUID | None = None


class IntegrationsController(Controller):
    """Integrations."""

    path = "/integrations"
    tags = ("integrations",)

    @get("/", opt=scoped("connection:read"))
    async def list_integrations(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], q: FromQuery[str] = ""
    ) -> Envelope[list[IntegrationOut]]:
        """Integrations by name."""
        async with ctx.transaction() as session:
            rows, total = await connections.list_(
                session, ctx.actor, among=fetch.services(ctx.registry), q=q, limit=paging.limit, offset=paging.offset
            )
            return page_of([await _shown(ctx, session, row) for row in rows], total, paging)

    @post("/", opt=scoped("connection:create"))
    async def create_integration(
        self, ctx: NamedDependency[Context], data: JSONBody[IntegrationBody]
    ) -> Envelope[IntegrationOut]:
        """Store an integration."""
        fetch.service(ctx.registry, data.service)
        config = {**data.configuration, **data.credentials, fetch.ADDRESS: data.service_url}
        async with ctx.transaction() as session:
            if data.workspace_id is None:
                ctx.actor.require("connection:create")
            else:
                await workspaces.get_workspace(session, ctx.actor, data.workspace_id, right="connection:create")
            row = await connections.create(
                session, ctx.actor, ctx.services.vault, ctx.registry, name=data.service_name, connector=data.service,
                config=config, workspace_id=data.workspace_id,
            )  # fmt: skip
            row.status = data.status
            await session.flush()
            return ok(await _shown(ctx, session, row))

    @get("/{connection_id:uuid}", opt=permission("connection:read"))
    async def get_integration(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID]
    ) -> Envelope[IntegrationOut]:
        """One integration."""
        async with ctx.transaction() as session:
            return ok(await _shown(ctx, session, await _get(ctx, session, connection_id)))

    @patch("/{connection_id:uuid}", opt=permission("connection:update"))
    async def update_integration(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], data: JSONBody[IntegrationPatch],
        if_match: IfMatch = None,
    ) -> Envelope[IntegrationOut]:  # fmt: skip
        """Change what is given."""
        return ok(await _changed(ctx, connection_id, data, if_match))

    @put("/{connection_id:uuid}", opt=permission("connection:update"))
    async def replace_integration(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], data: JSONBody[IntegrationPut],
        if_match: IfMatch = None,
    ) -> Envelope[IntegrationOut]:  # fmt: skip
        """Put the integration as a whole."""
        return ok(await _changed(ctx, connection_id, data, if_match))

    @delete("/{connection_id:uuid}", opt=permission("connection:delete"), status_code=200)
    async def delete_integration(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Move an integration to the trash; the flows that came by it stay."""
        async with ctx.transaction() as session:
            await refuse_used(session, await _get(ctx, session, connection_id))
            await connections.delete(session, ctx.actor, connection_id)
        return ok({"id": connection_id})

    @post("/{connection_id:uuid}/sync", opt=permission("connection:query"))
    async def sync_integration(
        self, ctx: NamedDependency[Context], connection_id: FromPath[UUID], data: JSONBody[SyncBody]
    ) -> Envelope[Synced]:
        """Bring workflows here, or bring those that came before up to date; how it went is noted."""
        async with ctx.transaction() as session:
            row = await _get(ctx, session, connection_id)
            service, config = row.connector, await ctx.services.vault.open(session, row)
        try:
            done = await sync_flows(
                ctx, service, config, data.workflow_ids, workspace_id=data.workspace_id, folder_id=data.folder_id
            )
        except HeadraceError as error:
            if error.status in {422, 424, 503}:
                await _note(ctx, connection_id, "error", error.message)
            raise
        await _note(ctx, connection_id, "active", None)
        return ok(done)


async def _note(ctx: Context, connection_id: UUID, status: str, message: str | None) -> None:
    async with ctx.transaction() as session:
        row = await connections.get(session, ctx.actor, connection_id)
        row.status, row.error_message = status, message
        row.last_sync = row.last_sync if message else now()


async def _get(ctx: Context, session: AsyncSession, connection_id: UUID) -> Connection:
    row = await connections.get(session, ctx.actor, connection_id)
    if row.connector not in fetch.services(ctx.registry):
        raise NotFound("there is no such integration", resource="integration")
    return row


async def _changed(
    ctx: Context, connection_id: UUID, data: IntegrationPatch | IntegrationPut, if_match: str | None
) -> IntegrationOut:
    async with ctx.transaction() as session:
        row = await _get(ctx, session, connection_id)
        check_version(row.row_version, base_version(if_match, data.row_version, "integration"))
        fields = given(data, "row_version")
        parts = {"configuration", "credentials", "service_url"} & fields.keys()
        changes: dict[str, Any] = {"name": fields["service_name"]} if "service_name" in fields else {}
        if parts:
            url = {fetch.ADDRESS: fields["service_url"]} if "service_url" in fields else {}
            changes["config"] = {**fields.get("configuration", {}), **fields.get("credentials", {}), **url}
        row = await connections.update(
            session, ctx.actor, ctx.services.vault, ctx.registry, connection_id, changes,
            whole=isinstance(data, IntegrationPut),
        )  # fmt: skip
        if "status" in fields:
            row.status = fields["status"]
        await session.flush()
        return await _shown(ctx, session, row)


async def _shown(ctx: Context, session: AsyncSession, row: Connection) -> IntegrationOut:
    manifest = ctx.registry.connector(row.connector).manifest
    config = secrets.shown(manifest, await ctx.services.vault.open(session, row))
    hidden = set(secret_names(manifest.config))
    return IntegrationOut(
        id=row.id, workspace_id=row.workspace_id, service=row.connector, service_name=row.name,
        service_url=str(config.get(fetch.ADDRESS, "")),
        credentials={name: value for name, value in config.items() if name in hidden},
        configuration={name: value for name, value in config.items() if name not in hidden | {fetch.ADDRESS}},
        status=row.status, last_sync=row.last_sync, error_message=row.error_message, created_at=row.created_at,
        updated_at=row.updated_at, row_version=row.row_version,
    )  # fmt: skip
