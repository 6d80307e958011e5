"""The text form of a flow: YAML (or JSON) without layout, in a stable order, so that files diff well."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct

from headrace.flows.canvas import BYTES_MAX
from headrace.flows.graph import Edge, FlowGraph, NodeSpec, Retry
from headrace.sdk.errors import ConfigError


class TextNode(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A step. `inputs` maps a port to `node`, `node.port` (`node:port` where that is another step's id), or a list."""

    id: str
    type: str
    label: str = ""
    inputs: dict[str, str | list[str]] = {}
    config: dict[str, Any] = {}
    version: int = 1
    disabled: bool = False
    retry: Retry | None = None
    timeout_s: float = 0.0
    on_error: Literal["fail", "continue", "route"] = "fail"
    parent: str = ""


_SHARED = tuple(name for name in NodeSpec.__struct_fields__ if name in TextNode.__struct_fields__)
"""What a step has in a file and in the graph alike."""


class TextConnection(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How to make a connection that is missing; secrets are `env:NAME` references."""

    connector: str
    config: dict[str, Any] = {}


class TextTrigger(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What starts the flow, beside its steps. Secrets are entered where the flow is, never here."""

    type: str
    name: str = ""
    config: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    priority: int = 0
    disabled: bool = False


class FlowText(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A flow as a file."""

    headrace: Literal[1]
    name: str
    description: str = ""
    kind: Literal["automation", "pipeline", "monitoring"] = "automation"
    settings: dict[str, Any] = {}
    connections: dict[str, TextConnection] = {}
    triggers: list[TextTrigger] | None = None
    nodes: list[TextNode] = []

    @property
    def graph(self) -> FlowGraph:
        """The flow's graph."""
        edges: list[Edge] = []
        names = {node.id for node in self.nodes}
        nodes: list[NodeSpec] = []
        for node in self.nodes:
            for port, given in node.inputs.items():
                for source in [given] if isinstance(given, str) else given:
                    name, out = _source(source, names)
                    edges.append(Edge(source=name, source_port=out, target=node.id, target_port=port))
            nodes.append(NodeSpec(**{name: getattr(node, name) for name in _SHARED}))
        return FlowGraph(nodes=tuple(nodes), edges=tuple(edges))


def _source(text: str, names: Collection[str]) -> tuple[str, str]:
    """Step and port of an input: an id as it is, else the longest id before a colon or a dot."""
    if text in names:
        return text, "out"
    for separator in ":.":
        for at in range(len(text) - 1, 0, -1):
            if text[at] == separator and text[:at] in names:
                return text[:at], text[at + 1 :]
    name, _, port = text.partition(".")
    return name, port or "out"


def _written(edge: Edge, names: Collection[str]) -> str:
    """The shortest text that reads as this edge's source."""
    wanted = (edge.source, edge.source_port)
    forms = (edge.source, f"{edge.source}.{edge.source_port}", f"{edge.source}:{edge.source_port}")
    return next((form for form in forms if _source(form, names) == wanted), forms[-1])


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Safe, without aliases (no bombs) and double keys; words are what YAML 1.2 calls words: no dates, no yes/no."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.YAMLError(f"aliases are not allowed (line {mark.line + 1})")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.YAMLError(f"'{key.value}' twice (line {key.start_mark.line + 1})")
                seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Quotes what we or an older reader would take for something else than a word."""


def _represent_text(dumper: Any, text: str) -> Any:
    """Characters that YAML counts as line breaks come back only when they are escaped; code stands as it is."""
    style = '"' if any(char in text for char in "\x85\u2028\u2029\ufeff") else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
_WORDS = {
    "null": (r"~|null|", ["~", "n", ""]),
    "bool": (r"true|false", [*"tf"]),
    "int": (r"[-+]?(0|[1-9][0-9]*)", [*"-+0123456789"]),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.inf|\.nan",
        [*"-+.0123456789"],
    ),
}
_Loader.yaml_implicit_resolvers = {}
for _name, (_pattern, _first) in _WORDS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), _first)


def parse(text: str) -> FlowText:
    """Read a flow file.

    Raises:
        ConfigError: naming the line or the path of what is wrong.
    """
    if len(text) > BYTES_MAX:
        raise ConfigError(f"the flow file is longer than {BYTES_MAX // 2**20} MiB; split it into sub-flows")
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader without aliases
    except RecursionError:
        raise ConfigError("the flow file is nested too deeply; a config has a few levels") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ConfigError(f"the flow file is no YAML: {getattr(error, 'problem', error)}{where}") from None
    try:
        return msgspec.convert(data, FlowText, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the flow file is wrong: {error}") from None


def render(
    name: str,
    graph: FlowGraph,
    *,
    description: str = "",
    kind: Any = "automation",
    settings: dict[str, Any] | None = None,
    connections: dict[str, TextConnection] | None = None,
    triggers: list[TextTrigger] | None = None,
) -> str:
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
            source = _written(edge, graph.by_id)
            had = inputs.get(edge.target_port)
            inputs[edge.target_port] = source if had is None else [*([had] if isinstance(had, str) else had), source]
        said = {name: getattr(node, name) for name in _SHARED if name != "timeout_s" or node.timeout_s}
        nodes.append(TextNode(inputs=inputs, **said))
    whole = FlowText(
        headrace=1, name=name, description=description, kind=kind, settings=settings or {},
        connections=connections or {}, triggers=triggers, nodes=nodes,
    )  # fmt: skip
    return str(yaml.dump(msgspec.to_builtins(whole), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))
