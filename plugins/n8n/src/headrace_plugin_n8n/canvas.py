"""Places on the canvas: as in n8n, wider apart; steps inside a loop by its corner, and the loop around them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headrace_plugin_n8n.workflow import Node

_WIDER, _HIGHER = 1.5, 1.1
_STEP, _HEAD, _RAIL, _PAD = (212, 56), 44, 94, 22
_COLOURS = {2: "rose", 3: "rose", 4: "green", 5: "blue", 6: "violet", 7: "grey"}
_TEXT_MAX = 20_000


def step_node(node_id: str, node: Node, data: dict[str, Any]) -> dict[str, Any]:
    """A step."""
    return {"id": node_id, "type": "step", "position": {"x": node.x, "y": node.y}, "data": data}


def note(node_id: str, node: Node) -> dict[str, Any]:
    """A sticky note; a heading on its first line is its title."""
    given = node.parameters
    text = str(given.get("content", ""))[:_TEXT_MAX]
    head = re.match(r"\s*#{1,6}\s+([^\n]{1,80})\s*(?:\n|\Z)", text)
    colour = given.get("color", 1)
    return {
        "id": node_id, "type": "note", "position": {"x": node.x, "y": node.y},
        "width": _side(given.get("width"), 240, _WIDER), "height": _side(given.get("height"), 160, _HIGHER),
        "data": {
            "label": head[1].strip() if head else "", "text": (text[head.end() :] if head else text).strip(),
            "color": _COLOURS.get(colour if isinstance(colour, int) else 1, "yellow"),
        },
    }  # fmt: skip


def placed(nodes: list[dict[str, Any]], parents: Mapping[str, str]) -> list[dict[str, Any]]:
    """The same, each in its place; loops come before what is in them."""
    by_id = {node["id"]: node for node in nodes}
    for node in nodes:
        at = node["position"]
        node["position"] = {"x": round(at["x"] * _WIDER), "y": round(at["y"] * _HIGHER)}
        parent = parents.get(node["id"])
        if parent:
            node["parentId"] = parent
    inside: dict[str, list[dict[str, Any]]] = {}
    for node in nodes:
        if "parentId" in node:
            inside.setdefault(node["parentId"], []).append(node)

    def depth(node: dict[str, Any]) -> int:
        return 1 + depth(by_id[node["parentId"]]) if "parentId" in node else 0

    ordered = sorted(nodes, key=depth)
    for loop in reversed(ordered):
        held = inside.get(loop["id"])
        if held:
            left = min(one["position"]["x"] for one in held)
            top = min(one["position"]["y"] for one in held)
            for one in held:
                one["position"] = {
                    "x": one["position"]["x"] - left + _RAIL, "y": one["position"]["y"] - top + _HEAD + _PAD,
                }  # fmt: skip
            loop["width"] = max(one["position"]["x"] + one.get("width", _STEP[0]) for one in held) + _RAIL
            loop["height"] = max(one["position"]["y"] + one.get("height", _STEP[1]) for one in held) + _PAD
    return ordered


def _side(value: Any, fallback: float, factor: float) -> int:
    known = value if isinstance(value, int | float) and not isinstance(value, bool) else fallback
    return round(max(60.0, min(2_000.0, float(known))) * factor)
