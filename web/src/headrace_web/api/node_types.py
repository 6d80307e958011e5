"""The catalogue of node types, and values for their fields."""

from __future__ import annotations

from typing import Any

from headrace.access.references import refuse_new_in
from headrace.connections import explore
from headrace.connections import service as connections
from headrace.plugins.registry import NodeType
from headrace.sdk.errors import ConfigError, NotFound
from headrace.sdk.forms import config_schema, with_expressions
from headrace.sdk.manifests import Port
from headrace.triggers import calendars
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct, to_builtins

from headrace_web.api.connections import token_of
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import SIGNED_IN, scoped

OPTIONS_MAX = 200


class PortOut(Struct, kw_only=True):
    """Where edges meet a node."""

    name: str
    title: str
    kind: str
    many: bool
    required: bool


class NodeTypeOut(Struct, kw_only=True):
    """A node type; `schema` is the form of its config."""

    id: str
    title: str
    category: str
    kind: str
    role: str
    summary: str
    icon: str
    docs: str
    tags: list[str]
    version: int
    plugin: dict[str, str]
    inputs: list[PortOut]
    outputs: list[PortOut]
    schema: dict[str, Any]
    effect: str
    feature: str
    connector: str


class OptionsBody(ApiStruct):
    """Which field asks, with what is filled in so far."""

    field: str
    config: dict[str, Any] = {}
    q: str = ""


class Option(Struct, kw_only=True):
    """A value to choose."""

    value: str
    label: str
    hint: str = ""


class NodeTypesController(Controller):
    """Node types."""

    path = "/node-types"
    tags = ("node types",)

    @get("/", opt=SIGNED_IN)
    async def list_node_types(self, ctx: NamedDependency[Context]) -> Envelope[list[NodeTypeOut]]:
        """Every node type of the enabled plugins."""
        return ok([described(one) for _, one in sorted(ctx.registry.nodes.items())])

    @get("/{type_id:str}", opt=SIGNED_IN)
    async def get_node_type(self, ctx: NamedDependency[Context], type_id: FromPath[str]) -> Envelope[NodeTypeOut]:
        """One node type."""
        return ok(described(_found(ctx, type_id)))

    @post("/{type_id:str}/options", opt=scoped("connection:query"), status_code=200)
    async def list_options(
        self, ctx: NamedDependency[Context], type_id: FromPath[str], data: JSONBody[OptionsBody]
    ) -> Envelope[dict[str, list[Option]]]:
        """Values for a field: connections, the streams and columns of the chosen one, calendars."""
        kind = _found(ctx, type_id)
        hints = config_schema(kind.manifest.config).get("properties", {}).get(data.field, {}).get("x-ui", {})
        source = hints.get("options_from") or hints.get("widget", "")
        if source == "connection":
            found = await _connections(ctx, hints.get("connection_type"))
        elif source == "calendars":
            ctx.actor.require("schedule:read")
            found = await _calendars(ctx)
        elif source in {"stream", "columns"}:
            found = await _streams(ctx, data.config, columns=source == "columns")
        else:
            raise ConfigError(f"the field '{data.field}' of '{type_id}' has no values to choose from", field="field")
        q = data.q.lower()
        return ok({"options": [one for one in found if q in one.label.lower()][:OPTIONS_MAX]})


def described(node: NodeType) -> NodeTypeOut:
    """A node type as answers show it."""
    manifest, record = node.manifest, node.plugin
    schema = config_schema(manifest.config)
    if manifest.kind != "trigger" and manifest.role in {"", "answer"}:  # their settings are read before anything runs
        schema = with_expressions(schema, manifest.config.verbatim)
    return NodeTypeOut(
        id=node.id, title=manifest.title, category=record.id, kind=manifest.kind, role=manifest.role,
        summary=manifest.summary, icon=manifest.icon, docs=manifest.docs, tags=list(manifest.tags),
        version=manifest.version,
        plugin={"name": record.name, "distribution": record.distribution, "version": record.version},
        inputs=[_port(port) for port in manifest.inputs], outputs=[_port(port) for port in manifest.outputs],
        schema=schema, effect=str(manifest.effect), feature=manifest.feature,
        connector=node.connector,
    )  # fmt: skip


def _port(port: Port) -> PortOut:
    return PortOut(
        name=port.name, title=port.title or port.name, kind=port.kind, many=port.many, required=port.required
    )


def _found(ctx: Context, type_id: str) -> NodeType:
    try:
        return ctx.registry.node(type_id)
    except ConfigError as error:
        raise NotFound(error.message, resource="node_type") from None


async def _connections(ctx: Context, connector: str | None) -> list[Option]:
    async with ctx.transaction() as session:
        rows, _ = await connections.list_(session, ctx.actor, connector=connector, limit=OPTIONS_MAX)
    return [Option(value=row.name, label=row.name, hint=row.connector) for row in rows]


async def _calendars(ctx: Context) -> list[Option]:
    async with ctx.transaction() as session:
        rows, _ = await calendars.list_(session, ctx.actor, limit=OPTIONS_MAX)
    return [Option(value=str(row.id), label=row.name, hint=row.country) for row in rows]


async def _streams(ctx: Context, config: dict[str, Any], *, columns: bool) -> list[Option]:
    name = config.get("connection")
    if not isinstance(name, str) or not name:
        return []
    async with ctx.transaction() as session:
        await refuse_new_in(session, ctx.actor, None, {"connection": name})
        spec = (await connections.resolve(session, ctx.services.vault, ctx.organization_id, [name])).get(name)
    if spec is None:
        return []
    streams = await explore.streams(ctx.registry, spec.connector, spec.config, token_of(ctx, spec))
    if not columns:
        return [Option(value=one["name"], label=one["name"], hint=one.get("title", "") or "") for one in streams]
    chosen = next((one for one in streams if one["name"] == config.get("stream")), {})
    return [
        Option(value=one["name"], label=one["name"], hint=str(to_builtins(one["type"])))
        for one in chosen.get("columns", ())
    ]
