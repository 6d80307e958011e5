"""The text form of a flow: YAML (or JSON) without layout, in a stable order, so that files diff well."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct

from headrace.flows.canvas import BYTES_MAX
from headrace.flows.graph import Edge, FlowGraph, NodeSpec, Retry
from headrace.sdk.errors import ConfigError


class TextNode(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A step. `inputs` maps a port to `node`, `node.port`, or a list of these."""

    id: str
    type: str
    label: str = ""
    inputs: dict[str, str | list[str]] = {}
    config: dict[str, Any] = {}
    disabled: bool = False
    retry: Retry = Retry()
    timeout_s: float = 0
    on_error: Literal["fail", "continue", "route"] = "fail"


class TextConnection(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How to make a connection that is missing; secrets are `env:NAME` references."""

    connector: str
    config: dict[str, Any] = {}


class FlowText(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A flow as a file."""

    headrace: Literal[1]
    name: str
    description: str = ""
    kind: Literal["automation", "pipeline", "monitoring"] = "automation"
    connections: dict[str, TextConnection] = {}
    nodes: list[TextNode] = []

    @property
    def graph(self) -> FlowGraph:
        """The flow's graph."""
        edges: list[Edge] = []
        nodes: list[NodeSpec] = []
        for node in self.nodes:
            for port, given in node.inputs.items():
                for source in [given] if isinstance(given, str) else given:
                    name, _, out = source.partition(".")
                    edges.append(Edge(source=name, source_port=out or "out", target=node.id, target_port=port))
            nodes.append(
                NodeSpec(
                    id=node.id,
                    type=node.type,
                    label=node.label,
                    config=node.config,
                    disabled=node.disabled,
                    retry=node.retry,
                    timeout_s=node.timeout_s,
                    on_error=node.on_error,
                )  # fmt: skip
            )
        return FlowGraph(nodes=tuple(nodes), edges=tuple(edges))


class _Loader(yaml.SafeLoader):
    """Safe, without aliases (no bombs), and without guessing dates or yes/no."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.YAMLError(f"aliases are not allowed (line {mark.line + 1})")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    key: [(tag, regexp) for tag, regexp in found if tag != "tag:yaml.org,2002:timestamp"]
    for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str) -> FlowText:
    """Read a flow file.

    Raises:
        ConfigError: naming the line or the path of what is wrong.
    """
    if len(text) > BYTES_MAX:
        raise ConfigError(f"the flow file is longer than {BYTES_MAX // 2**20} MiB; split it into sub-flows")
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader without aliases
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ConfigError(f"the flow file is no YAML: {getattr(error, 'problem', error)}{where}") from None
    try:
        return msgspec.convert(data, FlowText, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the flow file is wrong: {error}") from None


def render(name: str, graph: FlowGraph, *, description: str = "", kind: Any = "automation",
           connections: dict[str, TextConnection] | None = None) -> str:  # fmt: skip
    """Write a flow file; parents come first, defaults are left out."""
    try:
        order = graph.order()
    except ValueError:
        order = tuple(node.id for node in graph.nodes)
    nodes = []
    for node_id in order:
        node = graph.by_id[node_id]
        inputs: dict[str, Any] = {}
        for edge in graph.incoming[node_id]:
            source = edge.source if edge.source_port == "out" else f"{edge.source}.{edge.source_port}"
            had = inputs.get(edge.target_port)
            inputs[edge.target_port] = source if had is None else [*([had] if isinstance(had, str) else had), source]
        nodes.append(
            TextNode(
                id=node.id,
                type=node.type,
                label=node.label,
                inputs=inputs,
                config=node.config,
                disabled=node.disabled,
                retry=node.retry,
                timeout_s=node.timeout_s,
                on_error=node.on_error,
            )  # fmt: skip
        )
    whole = FlowText(
        headrace=1, name=name, description=description, kind=kind, connections=connections or {}, nodes=nodes
    )
    return yaml.safe_dump(msgspec.to_builtins(whole), sort_keys=False, allow_unicode=True, width=100)
