"""What is inside of a loop. n8n has a ring of steps there; here the steps lie in the loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from headrace_plugin_n8n.workflow import LOOP, Node, Wire, Workflow


class Loops(Struct, frozen=True):
    """Loops of a workflow.

    Attributes:
        parents: The innermost loop of each step that is inside of one.
        refused: Loops that have no clear inside, with the reason.
    """

    parents: Mapping[str, str]
    refused: Mapping[str, str]


def item_output(node: Node) -> int:
    """The output that leads into the loop."""
    return 1 if node.version >= 3 else 0


def loops_of(workflow: Workflow) -> Loops:
    """All loops, the outer ones with what is in the inner ones."""
    after: dict[str, list[Wire]] = {node.name: [] for node in workflow.nodes}
    for wire in workflow.wires:
        if wire.kind == "main":
            after[wire.source].append(wire)
    insides: dict[str, set[str]] = {}
    refused: dict[str, str] = {}
    for node in workflow.nodes:
        if node.type != LOOP:
            continue
        item = item_output(node)
        inside = _reached((w.target for w in after[node.name] if w.output == item), after, node.name)
        outside = _reached((w.target for w in after[node.name] if w.output != item), after, node.name)
        own = inside | {node.name}
        entered = [wire for wire in workflow.wires if wire.target in inside and wire.source not in own]
        if not inside:
            refused[node.name] = "there is no step inside of it"
        elif inside & outside:
            refused[node.name] = f"'{min(inside & outside)}' is both inside of it and behind it"
        elif entered:
            refused[node.name] = f"'{entered[0].source}' leads into it from outside"
        else:
            insides[node.name] = inside
    insides = {name: inside for name, inside in insides.items() if not _crosses(name, inside, insides, refused)}
    parents: dict[str, str] = {}
    for name, inside in sorted(insides.items(), key=lambda one: -len(one[1])):
        parents |= dict.fromkeys(inside, name)
    return Loops(parents, refused)


def _reached(begin: Iterable[str], after: Mapping[str, list[Wire]], stop: str) -> set[str]:
    found: set[str] = set()
    stack = [name for name in begin if name != stop]
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += [wire.target for wire in after[name] if wire.target != stop]
    return found


def _crosses(name: str, inside: set[str], all_: Mapping[str, set[str]], refused: dict[str, str]) -> bool:
    """Whether a loop and another one overlap without one being in the other."""
    for other, theirs in all_.items():
        nested = (name in theirs and inside < theirs) or (other in inside and theirs < inside)
        if other != name and inside & theirs and not nested:
            refused[name] = f"it overlaps with the loop '{other}'"
            return True
    return False
