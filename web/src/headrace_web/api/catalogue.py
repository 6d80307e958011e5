"""What is installed: connectors and plugins."""

from __future__ import annotations

from typing import Any

from headrace.entitlements import resolve
from headrace.infra import states
from headrace.plugins.records import PluginRecord
from headrace.plugins.registry import ConnectorEntry
from headrace.sdk.errors import Conflict, NotFound
from headrace.sdk.forms import config_schema
from headrace.sdk.manifests import ConnectorManifest
from litestar import Controller, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import SIGNED_IN, permission


class ConnectorOut(Struct, kw_only=True):
    """A connector; `schema` is the form of a connection."""

    id: str
    title: str
    category: str
    summary: str
    icon: str
    docs: str
    version: int
    plugin: dict[str, str]
    capabilities: list[str]
    auth: list[str]
    schema: dict[str, Any]
    proof: str
    support: str
    feature: str


class PluginOut(Struct, kw_only=True):
    """An installed plugin; the trace is for platform admins."""

    name: str
    kind: str
    id: str
    distribution: str
    version: str
    state: str
    reason: str
    trace: str
    load_ms: float
    provides: dict[str, list[str]]


class PluginPatch(ApiStruct):
    """Whether it is on."""

    enabled: bool


class ConnectorsController(Controller):
    """Connectors."""

    path = "/connectors"
    tags = ("connectors",)

    @get("/", opt=SIGNED_IN)
    async def list_connectors(self, ctx: NamedDependency[Context]) -> Envelope[list[ConnectorOut]]:
        """Every connector of the enabled plugins."""
        return ok([described(entry) for _, entry in sorted(ctx.registry.connectors.items())])

    @get("/{connector_id:str}", opt=SIGNED_IN)
    async def get_connector(self, ctx: NamedDependency[Context], connector_id: FromPath[str]) -> Envelope[ConnectorOut]:
        """One connector."""
        return ok(described(_connector(ctx, connector_id)))

    @get("/{connector_id:str}/schema", opt=SIGNED_IN)
    async def get_connector_schema(
        self, ctx: NamedDependency[Context], connector_id: FromPath[str]
    ) -> Envelope[dict[str, Any]]:
        """The form of a connection."""
        return ok(config_schema(_connector(ctx, connector_id).manifest.config))


class PluginsController(Controller):
    """Plugins."""

    path = "/plugins"
    tags = ("plugins",)

    @get("/", opt=SIGNED_IN)
    async def list_plugins(self, ctx: NamedDependency[Context]) -> Envelope[list[PluginOut]]:
        """Every installed plugin, the broken ones with the reason."""
        return ok([_plugin(ctx, record) for record in ctx.services.host.records])

    @patch("/{name:str}", opt=permission("plugin:manage"))
    async def switch_plugin(
        self, ctx: NamedDependency[Context], name: FromPath[str], data: JSONBody[PluginPatch]
    ) -> Envelope[PluginOut]:
        """Switch a plugin, and what else its package brings, off or on; every process follows within seconds."""
        record = next((one for one in ctx.services.host.records if one.name == name), None)
        if record is None:
            raise NotFound("there is no such plugin", resource="plugin")
        if not data.enabled and (record.kind, record.id) == ("edition", resolve.DEFAULT):
            raise Conflict(
                f"the edition '{record.id}' is that of every organization without a subscription; it stays on",
                field="enabled",
            )
        async with ctx.transaction() as session:
            await states.switch_plugin(session, record.distribution, enabled=data.enabled, by=ctx.actor.user_id)
            disabled = await states.disabled_plugins(session)
        ctx.services.host.switch(disabled)
        return ok(_plugin(ctx, record))


def described(entry: ConnectorEntry) -> ConnectorOut:
    """A connector as answers show it."""
    manifest, record = entry.manifest, entry.plugin
    ours = record.distribution.startswith("headrace-")
    return ConnectorOut(
        id=manifest.id, title=manifest.title, category=manifest.category, summary=manifest.summary, icon=manifest.icon,
        docs=manifest.docs, version=manifest.version,
        plugin={"name": record.name, "distribution": record.distribution, "version": record.version},
        capabilities=sorted(str(one) for one in manifest.capabilities), auth=_by_person(manifest), proof=manifest.proof,
        schema=config_schema(manifest.config), support="headrace" if ours else "publisher", feature=manifest.feature,
    )  # fmt: skip


def _by_person(manifest: ConnectorManifest) -> list[str]:
    """The grant by which a person connects a connection, after it is stored (`/connections/{id}/oauth/start`)."""
    return [manifest.oauth.grant] if manifest.oauth is not None else []


def _connector(ctx: Context, connector_id: str) -> ConnectorEntry:
    found = ctx.registry.connectors.get(connector_id)
    if found is None:
        raise NotFound("there is no such connector", resource="connector")
    return found


def _plugin(ctx: Context, record: PluginRecord) -> PluginOut:
    return PluginOut(
        name=record.name, kind=record.kind, id=record.id, distribution=record.distribution, version=record.version,
        state=record.state, reason=record.reason, trace=record.trace if ctx.actor.may("plugin:manage") else "",
        load_ms=round(record.load_ms, 1), provides=record.provides,
    )  # fmt: skip
