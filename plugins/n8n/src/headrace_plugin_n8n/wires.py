"""Connections of n8n as edges; where several meet in a port that takes one, a merge stands before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace_plugin_n8n.loops import Loops
from headrace_plugin_n8n.step import Made
from headrace_plugin_n8n.workflow import Wire, Workflow

Port = tuple[str, str]
_SEVERAL = "several steps lead to it; n8n does it for each of them, here it is done once over all rows"


class Wiring:
    """Edges of a workflow, and what is to be said about them.

    Attributes:
        notes: By the name of the step.
    """

    def __init__(self, workflow: Workflow, ids: Mapping[str, str], made: Mapping[str, Made], loops: Loops) -> None:
        self._workflow, self._ids, self._made, self._loops = workflow, ids, made, loops
        self._types = {node.name: node for node in workflow.nodes}
        self.notes: dict[str, tuple[str, ...]] = {}

    def edges(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Edges, and steps that were not there in n8n: merges, and the output of a workflow that is called."""
        fed: dict[tuple[str, str], list[Port]] = {}
        for wire in sorted(self._workflow.wires, key=lambda one: one.input):
            ports = self._ports(wire)
            if ports is not None and ports[0] not in fed.setdefault((wire.target, ports[1]), []):
                fed[wire.target, ports[1]].append(ports[0])
        found: list[tuple[str, str, str, str]] = []
        more: list[dict[str, Any]] = []
        for (target, port), sources in fed.items():
            place, at = self._ids[target], port
            if len(sources) > 1 and not (self._made[target].many or port == "result"):
                place, at = f"{self._ids[target]}__{port}", "in"
                more.append(_extra(place, "control.merge", "All of them", self._types[target], -140, target))
                found.append((place, "out", self._ids[target], port))
                self._say(target, _SEVERAL)
            found += [(self._ids[name], out, place, at) for name, out in sources]
        more += self._returned(found)
        for one in more:
            parent = self._loops.parents.get(one.pop("_of"))
            one.update({"parentId": self._ids[parent]} if parent else {})
        edges = [
            {"id": f"e{number}", "source": source, "sourceHandle": out, "target": target, "targetHandle": into}
            for number, (source, out, target, into) in enumerate(found, 1)
        ]
        return edges, more

    def _ports(self, wire: Wire) -> tuple[Port, str] | None:
        """The ports of a connection; None where it has no place here."""
        source, target = self._made.get(wire.source), self._made.get(wire.target)
        if wire.kind != "main" or source is None or target is None:
            return None
        if target.alone:
            self._say(wire.target, f"the connection from '{wire.source}' is left out")
            return None
        if not target.inputs or wire.output >= len(source.outputs):
            self._say(wire.target, f"the connection from '{wire.source}' is left out; the step here takes none")
            return None
        inside = self._loops.parents.get(wire.source)
        if inside == wire.target:
            return (wire.source, source.outputs[wire.output]), "result"
        return (wire.source, source.outputs[wire.output]), target.inputs[min(wire.input, len(target.inputs) - 1)]

    def _returned(self, found: list[tuple[str, str, str, str]]) -> list[dict[str, Any]]:
        """What a workflow that others call gives back: what its last step gives."""
        entry = next((name for name, made in self._made.items() if made.type == "control.input"), None)
        if entry is None:
            return []
        sources = {edge[0] for edge in found}
        last = [
            name
            for name, made in self._made.items()
            if self._ids[name] not in sources and made.outputs and name not in self._loops.parents and name != entry
        ]
        if len(last) != 1:
            self._say(entry, "put a Flow output behind the step whose rows callers are to get")
            return []
        node_id, made = f"{self._ids[last[0]]}__output", self._made[last[0]]
        found.append((self._ids[last[0]], made.outputs[0], node_id, "in"))
        return [_extra(node_id, "control.output", "Flow output", self._types[last[0]], 200, last[0])]

    def _say(self, name: str, text: str) -> None:
        self.notes[name] = tuple(dict.fromkeys((*self.notes.get(name, ()), text)))


def _extra(node_id: str, type_: str, label: str, beside: Any, shift: float, of: str) -> dict[str, Any]:
    return {
        "id": node_id, "type": "step", "position": {"x": beside.x + shift, "y": beside.y}, "_of": of,
        "data": {"nodeType": type_, "nodeVersion": 1, "label": label, "config": {}},
    }  # fmt: skip
