"""A workflow as n8n tells it, read with care: what is not of the right kind is a sentence, never a crash."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeGuard

from headrace.sdk import ConfigError, ForeignFlow
from msgspec import Struct

VERSION = 1
"""Of the conversion: another one brings all workflows here anew."""
NODES_MAX, WIRES_MAX, LOOPS_MAX = 5_000, 20_000, 100
BYTES_MAX = 8 * 1024 * 1024
_ID_MAX = 255
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
LOOP = "n8n-nodes-base.splitInBatches"
_CALL = "n8n-nodes-base.executeWorkflow"


class Node(Struct, frozen=True, kw_only=True):
    """A step of n8n.

    Attributes:
        more: What else is known of it, for a placeholder.
    """

    name: str
    type: str
    version: float = 1.0
    x: float = 0.0
    y: float = 0.0
    parameters: dict[str, Any] = {}
    credentials: dict[str, str] = {}
    disabled: bool = False
    more: dict[str, Any] = {}


class Wire(Struct, frozen=True):
    """A connection of n8n between two steps, by their names; `kind` is `main` where data goes."""

    source: str
    output: int
    target: str
    input: int
    kind: str = "main"


class Workflow(Struct, frozen=True, kw_only=True):
    """Steps and connections; `strays` are connections that lead nowhere."""

    id: str
    name: str
    nodes: tuple[Node, ...]
    wires: tuple[Wire, ...]
    strays: tuple[str, ...] = ()
    settings: dict[str, Any] = {}


def told(found: Any, fallback: str) -> ForeignFlow:
    """What the API gave, by its id; `fallback` names what has none."""
    if not isinstance(found, dict) or not isinstance(found.get("id"), str | int) or isinstance(found["id"], bool):
        return ForeignFlow(id=fallback[:_ID_MAX], problem="n8n gives something that is no workflow; it has no id")
    id_, name = str(found["id"]), found.get("name")
    if len(id_) > _ID_MAX or not id_.isprintable() or not id_:
        return ForeignFlow(id=fallback[:_ID_MAX], problem="n8n gives a workflow whose id cannot be read")
    shape = {part: found.get(part) for part in ("name", "nodes", "connections", "settings")}
    try:
        text = json.dumps(shape, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    except (RecursionError, UnicodeError, ValueError):
        return ForeignFlow(id=id_, problem="the workflow cannot be read: its text is broken or nested too deeply")
    known = ForeignFlow(id=id_, name=name if isinstance(name, str) else "")
    if len(text) > BYTES_MAX:
        return ForeignFlow(
            id=id_, name=known.name,
            problem=f"the workflow is larger than {BYTES_MAX // 2**20} MiB; split it into sub-workflows in n8n",
        )  # fmt: skip
    if _NUL.search(text):
        return ForeignFlow(
            id=id_, name=known.name.replace("\0", ""), problem="the workflow has a character 0 in a text"
        )
    mark = sha256(f"{VERSION}:".encode() + text).hexdigest()
    return ForeignFlow(id=id_, name=known.name, calls=_calls(found), fingerprint=mark, content=found)


def _calls(found: Mapping[str, Any]) -> tuple[str, ...]:
    nodes = found.get("nodes")
    if not isinstance(nodes, list):
        return ()
    called = (called_by(one) for one in nodes if isinstance(one, dict) and one.get("type") == _CALL)
    return tuple(dict.fromkeys(one for one in called if one))


def called_by(node: Mapping[str, Any]) -> str:
    """Id of the workflow that a step calls; empty when it is worked out as the flow goes, or written out."""
    parameters = node.get("parameters")
    value = parameters.get("workflowId") if isinstance(parameters, dict) else None
    if isinstance(value, dict):
        value = value.get("value")
    return value if isinstance(value, str) and value and not value.startswith("=") else ""


def read(found: Mapping[str, Any]) -> Workflow:
    """The workflow in our own form.

    Raises:
        ConfigError: it is none, or too large.
    """
    nodes, connections = found.get("nodes"), found.get("connections") or {}
    if not isinstance(nodes, list):
        raise ConfigError("the workflow has no list of steps ('nodes'); export it anew in n8n")
    if not isinstance(connections, dict):
        raise ConfigError("the connections of the workflow cannot be read: they are no object; export it anew in n8n")
    if len(nodes) > NODES_MAX:
        raise ConfigError(
            f"the workflow has {len(nodes):,} steps; {NODES_MAX:,} are the most; split it into sub-workflows in n8n"
        )
    loops = sum(isinstance(one, dict) and one.get("type") == LOOP for one in nodes)
    if loops > LOOPS_MAX:
        raise ConfigError(
            f"the workflow has {loops:,} loops; {LOOPS_MAX} are the most; split it into sub-workflows in n8n"
        )
    steps: dict[str, Node] = {}
    for number, one in enumerate(nodes, 1):
        node = _node(one, number)
        if node.name in steps:
            raise ConfigError(f"two steps of the workflow are called '{node.name[:80]}'; rename one in n8n")
        steps[node.name] = node
    wires: list[Wire] = []
    strays: list[str] = []
    found_wires = _wires(connections)
    if len(found_wires) > WIRES_MAX:
        raise ConfigError(
            f"the workflow has {len(found_wires):,} connections; {WIRES_MAX:,} are the most; split it in n8n"
        )
    for wire in found_wires:
        if wire.source in steps and wire.target in steps:
            wires.append(wire)
        else:
            missing = wire.target if wire.source in steps else wire.source
            strays.append(f"a connection leads to or from '{missing[:80]}', which is no step of the workflow")
    settings = found.get("settings")
    return Workflow(
        id=str(found.get("id", "")), name=str(found.get("name") or ""), nodes=tuple(steps.values()),
        wires=tuple(dict.fromkeys(wires)), strays=tuple(dict.fromkeys(strays)),
        settings=settings if isinstance(settings, dict) else {},
    )  # fmt: skip


_READ = {"id", "name", "type", "typeVersion", "position", "parameters", "credentials", "disabled"}


def _node(one: Any, number: int) -> Node:
    if not isinstance(one, dict) or not isinstance(one.get("type"), str) or not one["type"]:
        raise ConfigError(f"step {number} of the workflow has no type; export it anew in n8n")
    name, parameters = one.get("name"), one.get("parameters") or {}
    if not isinstance(name, str) or not name:
        raise ConfigError(f"step {number} of the workflow ('{one['type'][:80]}') has no name; export it anew in n8n")
    if not isinstance(parameters, dict):
        raise ConfigError(f"the parameters of '{name[:80]}' cannot be read: they are no object; export it anew in n8n")
    place = one.get("position")
    x, y = place if isinstance(place, list) and len(place) == 2 and all(map(_is_number, place)) else (0, 0)
    held = one.get("credentials")
    credentials = {
        str(kind): str(which.get("name") or kind) if isinstance(which, dict) else str(which)
        for kind, which in (held.items() if isinstance(held, dict) else ())
    }
    version = one.get("typeVersion")
    return Node(
        name=name, type=one["type"], version=float(version) if _is_number(version) else 1.0, x=_bound(x), y=_bound(y),
        parameters=parameters, credentials=credentials, disabled=one.get("disabled") is True,
        more={key: value for key, value in one.items() if key not in _READ},
    )  # fmt: skip


def _wires(connections: Mapping[str, Any]) -> list[Wire]:
    found = []
    for source, kinds in connections.items():
        for kind, outputs in kinds.items() if isinstance(kinds, dict) else ():
            for output, targets in enumerate(outputs if isinstance(outputs, list) else ()):
                for one in targets if isinstance(targets, list) else ():
                    if isinstance(one, dict) and isinstance(one.get("node"), str):
                        index = one.get("index")
                        place = index if isinstance(index, int) and not isinstance(index, bool) and index >= 0 else 0
                        found.append(Wire(source, output, one["node"], place, str(kind)))
    return found


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - no NaN


def _bound(value: float) -> float:
    return float(max(-1_000_000, min(1_000_000, value)))
