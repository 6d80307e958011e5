"""Ready flows of plugins: look at them, make a flow from one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from headrace.flows import text
from headrace.flows.canvas import canvas_of
from headrace.flows.graph import FlowGraph
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError, NotFound
from headrace.sdk.manifests import FlowTemplate
from headrace.triggers import declared
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct
from msgspec.structs import replace

from headrace_web.api.flows import FlowOut, checked_name, make
from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, ok
from headrace_web.guards import permission, scoped


class NeedOut(Struct, kw_only=True):
    """A connection that the flow uses, by the name that its steps say."""

    name: str
    connector: str
    title: str


class TemplateStep(Struct, kw_only=True):
    """A step as a drawing shows it."""

    id: str
    label: str
    type: str
    kind: str
    icon: str
    x: int
    y: int


class TemplateOut(Struct, kw_only=True):
    """A ready flow; without `needs` it runs as it is."""

    id: str
    title: str
    summary: str
    name: str
    kind: str
    needs: list[NeedOut]
    steps: list[TemplateStep]
    edges: list[tuple[str, str]]


class TemplateBody(ApiStruct):
    """Where the flow goes; `connections` says which of ours takes the place of one that the template names."""

    name: str = ""
    workspace_id: UUID | None = None
    folder_id: UUID | None = None
    connections: dict[str, str] = {}


class TemplatesController(Controller):
    """Templates."""

    path = "/templates"
    tags = ("templates",)

    @get("/", opt=permission("template:read"))
    async def list_templates(self, ctx: NamedDependency[Context]) -> Envelope[list[TemplateOut]]:
        """Every ready flow, those that need nothing first."""
        found = [described(one, ctx.registry) for one in ctx.registry.templates.values()]
        return ok(sorted(found, key=lambda one: (len(one.needs), one.title)))

    @get("/{template_id:str}", opt=permission("template:read"))
    async def get_template(self, ctx: NamedDependency[Context], template_id: FromPath[str]) -> Envelope[TemplateOut]:
        """One ready flow."""
        return ok(described(_found(ctx, template_id), ctx.registry))

    @post("/{template_id:str}/flows", opt=scoped("flow:create"))
    async def use_template(
        self, ctx: NamedDependency[Context], template_id: FromPath[str], data: JSONBody[TemplateBody]
    ) -> Envelope[FlowOut]:
        """Make a flow from a template. Connections are not made; those that are named take the template's place."""
        parsed = text.parse(_found(ctx, template_id).text())
        unknown = data.connections.keys() - parsed.connections.keys()
        if unknown:
            raise ConfigError(f"the template has no connection '{min(unknown)}'", field="connections")
        fields = {
            "folder_id": data.folder_id, "description": parsed.description, "kind": parsed.kind,
            "settings": parsed.settings,
        }  # fmt: skip
        canvas = canvas_of(_with(parsed.graph, data.connections))
        async with ctx.transaction() as session:
            name = checked_name(data.name or parsed.name)
            made = await make(ctx, session, data.workspace_id, name, canvas, fields)
            await declared.declare_text(session, ctx.actor, ctx.services.vault, ctx.registry, made.id, parsed)
            return ok(made)


def described(template: FlowTemplate, registry: Registry) -> TemplateOut:
    """A template as the gallery shows it."""
    parsed = text.parse(template.text())
    canvas = canvas_of(parsed.graph)
    return TemplateOut(
        id=template.id, title=template.title, summary=template.summary, name=parsed.name, kind=parsed.kind,
        needs=[
            NeedOut(name=name, connector=one.connector, title=_title(registry, one.connector))
            for name, one in parsed.connections.items()
        ],
        steps=[_step(node, registry) for node in canvas["nodes"]],
        edges=[(edge["source"], edge["target"]) for edge in canvas["edges"]],
    )  # fmt: skip


def _step(node: dict[str, Any], registry: Registry) -> TemplateStep:
    type_ = node["data"]["nodeType"]
    known = registry.nodes.get(type_)
    return TemplateStep(
        id=node["id"], label=node["data"]["label"] or node["id"], type=type_,
        kind=known.manifest.kind if known else "logic", icon=known.manifest.icon if known else "",
        x=node["position"]["x"], y=node["position"]["y"],
    )  # fmt: skip


def _title(registry: Registry, connector: str) -> str:
    known = registry.connectors.get(connector)
    return known.manifest.title if known else connector


def _with(graph: FlowGraph, connections: dict[str, str]) -> FlowGraph:
    """The graph with other connections in the steps that name one."""
    nodes = []
    for node in graph.nodes:
        other = connections.get(str(node.config.get("connection", "")))
        nodes.append(replace(node, config={**node.config, "connection": other}) if other else node)
    return FlowGraph(nodes=tuple(nodes), edges=graph.edges)


def _found(ctx: Context, template_id: str) -> FlowTemplate:
    try:
        return ctx.registry.templates[template_id]
    except KeyError:
        raise NotFound("there is no such template", resource="template") from None
