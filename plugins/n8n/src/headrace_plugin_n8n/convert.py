"""A workflow of n8n as a canvas: every step finds its place, as itself, as a placeholder or as a note."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from headrace.sdk import ConvertedFlow, Finding

from headrace_plugin_n8n import OUTPUTS
from headrace_plugin_n8n.canvas import note, placed, step_node
from headrace_plugin_n8n.kinds import NOTE, ROOTS, translation
from headrace_plugin_n8n.loops import Loops, loops_of
from headrace_plugin_n8n.shapes import order, shape_of
from headrace_plugin_n8n.step import Made, Step
from headrace_plugin_n8n.values import Shape, Unmapped
from headrace_plugin_n8n.wires import Wiring
from headrace_plugin_n8n.workflow import LOOP, Node, Wire, Workflow, read

_SETTINGS = ("onError", "continueOnFail", "retryOnFail", "executeOnce", "alwaysOutputData")
_SAID = {
    "onError": "what it does when it fails", "continueOnFail": "that it goes on when it fails",
    "retryOnFail": "that it is tried again", "executeOnce": "that it takes the first row only",
    "alwaysOutputData": "that it always gives a row",
}  # fmt: skip


def convert(found: Mapping[str, Any], known: Mapping[str, str]) -> ConvertedFlow:
    """The canvas of a workflow, and what became of each step.

    Raises:
        ConfigError: it is no workflow.
    """
    workflow = read(found)
    return _Conversion(workflow, known).flow()


class _Conversion:
    """One workflow on its way."""

    def __init__(self, workflow: Workflow, known: Mapping[str, str]) -> None:
        self.workflow = workflow
        self.known = known
        self.ids = _ids(workflow)
        self.loops: Loops = loops_of(workflow)
        self.made: dict[str, Made] = {}
        self.reasons: dict[str, str] = {}
        self.shapes: dict[str, Shape] = {}
        self.types = {node.name: node.type for node in workflow.nodes}
        self.wires: dict[str, list[Wire]] = {node.name: [] for node in workflow.nodes}
        for wire in workflow.wires:
            for name in {wire.source, wire.target}:
                self.wires[name].append(wire)
        self.steps = [node for node in workflow.nodes if node.type != NOTE]

    def flow(self) -> ConvertedFlow:
        """The whole of it."""
        for node in order(self.workflow, self.steps):
            before = [w.source for w in self.wires[node.name] if w.target == node.name and w.kind == "main"]
            self.shapes[node.name] = shape_of(before, self.made, self.shapes)
            self.made[node.name] = self._one(node, self.shapes[node.name], set(before))
        wiring = Wiring(self.workflow, self.ids, self.made, self.loops)
        edges, more = wiring.edges()
        nodes = [step_node(self.ids[node.name], node, self._data(node)) for node in self.steps]
        nodes += [note(self.ids[node.name], node) for node in self.workflow.nodes if node.type == NOTE]
        parents = {self.ids[name]: self.ids[parent] for name, parent in self.loops.parents.items()}
        definition = {
            "nodes": placed([*nodes, *more], parents), "edges": edges, "viewport": {"x": 0, "y": 0, "zoom": 1},
        }  # fmt: skip
        findings = tuple(self._finding(node, wiring.notes.get(node.name, ())) for node in self.workflow.nodes)
        count = sum(one.became == "placeholder" for one in findings)
        told = [f"Brought here from n8n, where it is the workflow {self.workflow.id}."]
        told += [f"{count} of {len(self.steps)} steps are placeholders."] if count else []
        told += [f"{len(self.workflow.strays)} connections of it led nowhere."] if self.workflow.strays else []
        return ConvertedFlow(definition=definition, findings=findings, description=" ".join(told))

    def _one(self, node: Node, shape: Shape, before: set[str]) -> Made:
        started = all(self.types[name] in ROOTS for name in before) and node.name not in self.loops.parents
        step = Step(node=node, workflow=self.workflow, shape=shape, started=started, known=self.known)
        try:
            found = translation(step)(step)
            self._refuse(node, found)
        except Unmapped as unmapped:
            self.reasons[node.name] = str(unmapped)
            return Made(type="n8n.placeholder", inputs=("in",) * 10, outputs=OUTPUTS, many=True)
        return found

    def _refuse(self, node: Node, found: Made) -> None:
        """Go on if nothing of the step would be lost.

        Raises:
            Unmapped: something would.
        """
        if node.name in self.loops.refused:
            raise Unmapped(self.loops.refused[node.name])
        lost = [_SAID[name] for name in _SETTINGS if node.more.get(name) not in {None, False, "stopWorkflow"}]
        if lost:
            raise Unmapped(f"its settings say {', '.join(lost)}")
        for wire in self.wires[node.name]:
            if wire.kind != "main":
                raise Unmapped(f"it has a connection of the kind '{wire.kind[:40]}', which carries no rows")
            if wire.source == node.name and wire.output >= len(found.outputs):
                raise Unmapped(f"it has an output {wire.output + 1}, which the step here has not")
            if wire.target == node.name and wire.input >= max(1, len(found.inputs)):
                raise Unmapped(f"it has an input {wire.input + 1}, which the step here has not")

    def _data(self, node: Node) -> dict[str, Any]:
        made = self.made[node.name]
        config = made.config
        if made.type == "n8n.placeholder":
            kept = [
                {"to": w.target, "kind": w.kind, "output": w.output, "input": w.input}
                for w in self.wires[node.name]
                if w.source == node.name and (w.kind != "main" or w.output >= len(OUTPUTS))
            ]
            more = {**node.more, "typeVersion": node.version}
            more |= {"credentials": node.credentials} if node.credentials else {}
            more |= {"connections": kept} if kept else {}
            config = {
                "original_type": node.type, "reason": self.reasons[node.name], "parameters": node.parameters,
                "more": more,
            }  # fmt: skip
        data: dict[str, Any] = {"nodeType": made.type, "nodeVersion": 1, "label": node.name, "config": config}
        notes = node.more.get("notes")
        if isinstance(notes, str) and notes:
            data["notes"] = notes
        return {**data, "disabled": True} if node.disabled else data

    def _finding(self, node: Node, wiring: tuple[str, ...]) -> Finding:
        if node.type == NOTE:
            return Finding(step=node.name, source=node.type, became="mapped", node_id=self.ids[node.name], type="note")
        made = self.made[node.name]
        if node.name in self.reasons:
            signed = ", ".join(f"'{name}'" for name in node.credentials.values())
            notes = (self.reasons[node.name], *((f"it is signed in with {signed} in n8n",) if signed else ()), *wiring)
            became: Any = "placeholder"
        else:
            notes = (*made.notes, *wiring)
            became = "check" if notes else "mapped"
        return Finding(
            step=node.name, source=node.type, became=became, node_id=self.ids[node.name], type=made.type, notes=notes
        )


def _ids(workflow: Workflow) -> dict[str, str]:
    """Short ids made of names, the same each time."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for number, node in enumerate(workflow.nodes, 1):
        plain = unicodedata.normalize("NFKD", node.name).encode("ascii", "ignore").decode().lower()
        base = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40] or ("loop" if node.type == LOOP else f"step_{number}")
        base = base if base[0].isalpha() else f"s_{base}"
        made, again = base, 2
        while made in used:
            made, again = f"{base}_{again}", again + 1
        used.add(made)
        found[node.name] = made
    return found
