"""Webhooks: triggers that a call from outside starts; their calls, and the same call again."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from headrace.access.resolve import reach
from headrace.flows import service as flows
from headrace.infra.merge_patch import merge_patch
from headrace.sdk.errors import NotFound
from headrace.triggers import addresses, calls
from headrace.triggers import service as triggers
from headrace.triggers.models import Trigger
from headrace.triggers.secrets import Sealed, shown
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.api.triggers import IfMatch, Started, addresses_of
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, Paging, base_version, given, merged, ok, page_of
from headrace_web.guards import permission, scoped

Method = Literal["POST", "PUT", "PATCH", "DELETE", "GET"]
_OWN = ("name", "variables", "is_active", "secrets")
"""Fields of the trigger; the others are of its configuration."""
_CONFIGURED = ("event_type", "method", "url_path", "headers", "authentication")
Authentication = Literal["hmac", "basic", "jwt", "header", "none"]


class WebhookOut(Struct, kw_only=True):
    """A webhook. `signing_key` is shown once: when it is made."""

    id: UUID
    flow_id: UUID
    node_id: str | None
    name: str
    event_type: str
    url: str
    alias_url: str | None
    method: str
    headers: dict[str, str]
    authentication: str
    configuration: dict[str, Any]
    secrets: dict[str, Any]
    variables: dict[str, Any]
    is_active: bool
    armed: bool
    last_called_at: datetime | None
    last_execution_id: UUID | None
    error: str | None
    created_at: datetime
    updated_at: datetime
    row_version: int
    signing_key: str | UnsetType = UNSET


class WebhookPatch(ApiStruct):
    """What to change; secrets that are left out stay."""

    name: str | UnsetType = UNSET
    event_type: str | UnsetType = UNSET
    method: Method | UnsetType = UNSET
    url_path: str | UnsetType = UNSET
    headers: dict[str, str | None] | UnsetType = UNSET
    authentication: Authentication | UnsetType = UNSET
    configuration: dict[str, Any] | UnsetType = UNSET
    secrets: dict[str, Any] | UnsetType = UNSET
    variables: dict[str, Any] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    row_version: int | UnsetType = UNSET


class WebhookPut(ApiStruct):
    """A webhook as it shall be: what is left out takes its default; secrets that are left out stay."""

    name: str = ""
    event_type: str | UnsetType = UNSET
    method: Method | UnsetType = UNSET
    url_path: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    authentication: Authentication | UnsetType = UNSET
    configuration: dict[str, Any] = {}
    secrets: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    is_active: bool = True
    row_version: int | UnsetType = UNSET


class WebhookBody(WebhookPatch, kw_only=True):
    """A new webhook; `configuration` has the rest of its form."""

    flow_id: UUID


class CallOut(Struct, kw_only=True):
    """A call as it came; the body up to 64 KiB, all of it at `/calls/{id}/body`."""

    id: UUID
    delivery_id: str | None
    method: str
    query: dict[str, Any]
    headers: dict[str, Any]
    content_type: str
    body_bytes: int
    remote: str
    outcome: str
    status_code: int
    error: str | None
    execution_id: UUID | None
    replay_of: UUID | None
    duplicates: int
    created_at: datetime
    body: str | None = None
    body_base64: str | None = None


class WebhooksController(Controller):
    """Webhooks."""

    path = "/webhooks"
    tags = ("webhooks",)

    @get("/", opt=scoped("webhook:read"))
    async def list_webhooks(
        self, ctx: NamedDependency[Context], paging: NamedDependency[Paging], flow_id: FromQuery[UUID | None] = None,
        event_type: FromQuery[str | None] = None,
    ) -> Envelope[list[WebhookOut]]:  # fmt: skip
        """Webhooks, newest first."""
        async with ctx.transaction() as session:
            rows, total = await triggers.list_(
                session, ctx.actor, flow_id=flow_id, mode="webhook", event_type=event_type, limit=paging.limit,
                offset=paging.offset,
            )  # fmt: skip
            return page_of([await _shown(ctx, session, row) for row in rows], total, paging)

    @post("/", opt=scoped("webhook:create"))
    async def create_webhook(self, ctx: NamedDependency[Context], data: JSONBody[WebhookBody]) -> Envelope[WebhookOut]:
        """Make a webhook; it listens while it and the flow are active."""
        async with ctx.transaction() as session:
            await reach(session, ctx.actor, "webhook:create", "flow", data.flow_id)
            await flows.get(session, ctx.actor, data.flow_id)
            fields = given(data, "row_version")
            row = await triggers.create(
                session, ctx.actor, ctx.services.vault, ctx.registry, flow_id=data.flow_id, type="webhook",
                configuration=_configuration(fields, {}), **{name: fields[name] for name in _OWN if name in fields},
            )  # fmt: skip
            return ok(await _shown(ctx, session, row, reveal=True))

    @get("/{webhook_id:uuid}", opt=permission("webhook:read"))
    async def get_webhook(self, ctx: NamedDependency[Context], webhook_id: FromPath[UUID]) -> Envelope[WebhookOut]:
        """One webhook."""
        async with ctx.transaction() as session:
            row = await triggers.get(session, ctx.actor, webhook_id, mode="webhook")
            return ok(await _shown(ctx, session, row))

    @patch("/{webhook_id:uuid}", opt=permission("webhook:update"))
    async def update_webhook(
        self, ctx: NamedDependency[Context], webhook_id: FromPath[UUID], data: JSONBody[WebhookPatch],
        if_match: IfMatch = None,
    ) -> Envelope[WebhookOut]:  # fmt: skip
        """Change what is given; the address stays."""
        return ok(await _changed(ctx, webhook_id, data, if_match))

    @put("/{webhook_id:uuid}", opt=permission("webhook:update"))
    async def replace_webhook(
        self, ctx: NamedDependency[Context], webhook_id: FromPath[UUID], data: JSONBody[WebhookPut],
        if_match: IfMatch = None,
    ) -> Envelope[WebhookOut]:  # fmt: skip
        """Put the webhook as a whole; the address stays."""
        return ok(await _changed(ctx, webhook_id, data, if_match))

    @delete("/{webhook_id:uuid}", opt=permission("webhook:delete"), status_code=200)
    async def delete_webhook(
        self, ctx: NamedDependency[Context], webhook_id: FromPath[UUID]
    ) -> Envelope[dict[str, UUID]]:
        """Remove a webhook; its address leads nowhere any more."""
        async with ctx.transaction() as session:
            await triggers.delete(session, ctx.actor, webhook_id, mode="webhook")
        return ok({"id": webhook_id})

    @post("/{webhook_id:uuid}/rotate-key", opt=permission("webhook:update"), status_code=200)
    async def rotate_key(self, ctx: NamedDependency[Context], webhook_id: FromPath[UUID]) -> Envelope[WebhookOut]:
        """Make a new signing key and show it once; the one before stays good until the next rotation."""
        async with ctx.transaction() as session:
            row = await triggers.get(session, ctx.actor, webhook_id, mode="webhook")
            stored = await Sealed(ctx.services.vault, row).open(session)
            fresh = {"signing_key": addresses.new_signing_key(), "previous_signing_key": stored.get("signing_key", "")}
            row = await triggers.update(
                session, ctx.actor, ctx.services.vault, ctx.registry, webhook_id, {"secrets": fresh}, row.row_version,
                mode="webhook",
            )  # fmt: skip
            return ok(await _shown(ctx, session, row, reveal=True))

    @get("/{webhook_id:uuid}/calls", opt=permission("webhook:read"))
    async def list_calls(
        self, ctx: NamedDependency[Context], webhook_id: FromPath[UUID], paging: NamedDependency[Paging]
    ) -> Envelope[list[CallOut]]:
        """Its calls, newest first."""
        async with ctx.transaction() as session:
            rows, total = await calls.list_(session, ctx.actor, webhook_id, limit=paging.limit, offset=paging.offset)
        return page_of([_call(row) for row in rows], total, paging)

    @get(
        "/{webhook_id:uuid}/calls/{call_id:uuid}/body", opt=permission("webhook:read"),
        media_type="application/octet-stream",
    )  # fmt: skip
    async def get_call_body(
        self, ctx: NamedDependency[Context], webhook_id: FromPath[UUID], call_id: FromPath[UUID]
    ) -> Response[bytes]:
        """The whole body of a call, as it came."""
        async with ctx.transaction() as session:
            row = await triggers.get(session, ctx.actor, webhook_id, mode="webhook")
            call = await calls.get(session, row, call_id)
        body = await calls.body_kept(ctx.services.store, row.organization_id, call)
        return Response(body, media_type="application/octet-stream", headers={"Content-Disposition": "attachment"})

    @post("/{webhook_id:uuid}/calls/{call_id:uuid}/replay", opt=permission("flow:execute"), status_code=202)
    async def replay_call(
        self, ctx: NamedDependency[Context], webhook_id: FromPath[UUID], call_id: FromPath[UUID]
    ) -> Envelope[Started]:
        """Start the flow again with what the call brought."""
        async with ctx.transaction() as session:
            made = await calls.replay(session, ctx.actor, ctx.services.host, ctx.services.store, webhook_id, call_id)
        return ok(Started(execution_id=made))


async def _changed(ctx: Context, webhook_id: UUID, data: WebhookPatch | WebhookPut, if_match: str | None) -> WebhookOut:
    async with ctx.transaction() as session:
        row = await triggers.get(session, ctx.actor, webhook_id, mode="webhook")
        whole = isinstance(data, WebhookPut)
        fields = given(data, "row_version") if whole else merged(data, row, "row_version", "secrets", "headers")
        if not whole and data.headers is not UNSET:
            fields["headers"] = merge_patch(row.configuration.get("headers", {}), data.headers)
        if data.secrets is not UNSET:
            fields["secrets"] = data.secrets
        changes: dict[str, Any] = {name: fields[name] for name in _OWN if name in fields}
        if fields.keys() - changes.keys():
            changes["configuration"] = _configuration(fields, {} if whole else row.configuration)
        row = await triggers.update(
            session, ctx.actor, ctx.services.vault, ctx.registry, webhook_id, changes,
            base_version(if_match, data.row_version, "webhook"), mode="webhook",
        )  # fmt: skip
        return await _shown(ctx, session, row)


def _configuration(fields: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {**fields.get("configuration", stored)}
    return made | {name: fields[name] for name in _CONFIGURED if name in fields}


async def _shown(ctx: Context, session: AsyncSession, row: Trigger, *, reveal: bool = False) -> WebhookOut:
    entry = ctx.registry.triggers.get(row.type)
    if entry is None:
        raise NotFound("the plugin of this webhook is not enabled; enable headrace-node-triggers", resource="webhook")
    stored = await Sealed(ctx.services.vault, row).open(session)
    url, alias_url = await addresses_of(ctx, session, row, stored)
    names = ("id", "flow_id", "node_id", "name", "configuration", "variables", "is_active", "armed",
             "last_execution_id", "error", "created_at", "updated_at", "row_version")  # fmt: skip
    return WebhookOut(
        **{name: getattr(row, name) for name in names}, url=url or "", alias_url=alias_url,
        event_type=row.configuration.get("event_type", ""), method=row.configuration.get("method", "POST"),
        headers=row.configuration.get("headers", {}),
        authentication=row.configuration.get("authentication", "hmac"),
        secrets=shown(entry.manifest.secrets, stored), last_called_at=row.last_fired_at,
        signing_key=stored["signing_key"] if reveal and stored.get("signing_key") else UNSET,
    )  # fmt: skip


def _call(row: dict[str, Any]) -> CallOut:
    text, raw = None, row["body"]
    if raw is not None:
        try:
            text = bytes(raw).decode()
        except UnicodeDecodeError:
            text = None
    names = (name for name in CallOut.__struct_fields__ if name not in {"body", "body_base64"})
    packed = b64encode(bytes(raw)).decode() if raw is not None and text is None else None
    return CallOut(**{name: row[name] for name in names}, body=text, body_base64=packed)
