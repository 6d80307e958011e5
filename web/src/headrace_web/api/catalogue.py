"""What is installed: connectors, plugins, editions; what the organization may use."""

from __future__ import annotations

from typing import Any

from headrace.connections import service as connections
from headrace.entitlements import resolve
from headrace.entitlements import service as entitlements
from headrace.executions import service as executions
from headrace.flows import service as flows
from headrace.plugins.records import PluginRecord
from headrace.plugins.registry import ConnectorEntry
from headrace.sdk.errors import NotFound
from headrace.sdk.forms import config_schema
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from headrace_web.deps import Context
from headrace_web.envelope import Envelope, ok
from headrace_web.guards import SIGNED_IN


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


class EditionsController(Controller):
    """Editions."""

    path = "/editions"
    tags = ("editions",)

    @get("/", opt=SIGNED_IN)
    async def list_editions(self, ctx: NamedDependency[Context]) -> Envelope[list[dict[str, Any]]]:
        """Installed editions with their plans; the organization's own is marked."""
        async with ctx.transaction() as session:
            info = await entitlements.organization_info(session)
        return ok(
            [
                {
                    "id": one.id, "title": one.title, "features": sorted(one.features),
                    "current": one.id == info.edition,
                    "plans": [
                        {"id": plan.id, "title": plan.title, "features": sorted(plan.features), "limits": plan.limits}
                        for plan in one.plans
                    ],
                }
                for _, one in sorted(ctx.registry.editions.items())
            ]
        )  # fmt: skip


class FeaturesController(Controller):
    """Features and limits of the organization."""

    path = "/features"
    tags = ("features",)

    @get("/enabled", opt=SIGNED_IN)
    async def list_enabled(self, ctx: NamedDependency[Context]) -> Envelope[dict[str, bool]]:
        """Every known feature and whether the organization has it."""
        async with ctx.transaction() as session:
            return ok(await entitlements.enabled_features(session))

    @get("/check/{key:str}", opt=SIGNED_IN)
    async def check(self, ctx: NamedDependency[Context], key: FromPath[str]) -> Envelope[resolve.FeatureAnswer]:
        """Whether the organization has a feature, and by what."""
        async with ctx.transaction() as session:
            return ok(await entitlements.check_feature(session, key))

    @get("/usage/{kind:str}", opt=SIGNED_IN)
    async def usage(self, ctx: NamedDependency[Context], kind: FromPath[str]) -> Envelope[entitlements.Usage]:
        """How much of a limit is used: flows, connections or executions."""
        async with ctx.transaction() as session:
            if kind == "flows":
                used = await flows.count(session, ctx.organization_id)
            elif kind == "connections":
                _, used = await connections.list_(session, ctx.actor, limit=1)
            elif kind == "executions":
                _, used = await executions.find(session, ctx.organization_id, limit=1)
            else:
                raise NotFound("there is no such limit; ask for flows, connections or executions", resource="limit")
            return ok(await entitlements.usage(session, kind, used))


def described(entry: ConnectorEntry) -> ConnectorOut:
    """A connector as answers show it."""
    manifest, record = entry.manifest, entry.plugin
    ours = record.distribution.startswith("headrace-")
    return ConnectorOut(
        id=manifest.id, title=manifest.title, category=manifest.category, summary=manifest.summary, icon=manifest.icon,
        docs=manifest.docs, version=manifest.version,
        plugin={"name": record.name, "distribution": record.distribution, "version": record.version},
        capabilities=sorted(str(one) for one in manifest.capabilities), auth=[], proof=manifest.proof,
        schema=config_schema(manifest.config), support="headrace" if ours else "publisher", feature=manifest.feature,
    )  # fmt: skip


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
