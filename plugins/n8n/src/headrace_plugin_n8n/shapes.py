"""What rows come into a step, and the order in which to find out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

from headrace_plugin_n8n.step import Made
from headrace_plugin_n8n.values import Shape
from headrace_plugin_n8n.workflow import Node, Workflow


def order(workflow: Workflow, steps: Sequence[Node]) -> list[Node]:
    """Steps behind those that feed them. A ring is opened where it leads back to a step that stands before."""
    known = {node.name: number for number, node in enumerate(steps)}
    after: dict[str, list[str]] = {name: [] for name in known}
    wires = {
        (w.source, w.target) for w in workflow.wires if w.kind == "main" and w.source in known and w.target in known
    }
    back = _back(known, wires)
    for source, target in sorted(wires - back):
        after[source].append(target)
    sorter = TopologicalSorter(dict.fromkeys(known, ()))
    for source, targets in after.items():
        for target in targets:
            sorter.add(target, source)
    return [steps[known[name]] for name in sorter.static_order()]


def _back(known: Mapping[str, int], wires: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Wires that lead back to a step that is on the way to them."""
    after: dict[str, list[str]] = {name: [] for name in known}
    fed = set()
    for source, target in sorted(wires, key=lambda wire: (known[wire[0]], known[wire[1]])):
        after[source].append(target)
        fed.add(target)
    state: dict[str, int] = {}
    back: set[tuple[str, str]] = set()
    for root in [*(name for name in known if name not in fed), *known]:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(after[root]))]
        while stack:
            name, rest = stack[-1]
            for target in rest:
                if state.get(target) == 1:
                    back.add((name, target))
                elif target not in state:
                    state[target] = 1
                    stack.append((target, iter(after[target])))
                    break
            else:
                state[name] = 2
                stack.pop()
    return back


def shape_of(before: Sequence[str], made: Mapping[str, Made], incoming: Mapping[str, Shape]) -> Shape:
    """The shape of what comes into a step from these, as far as they are known."""
    shapes = {made[name].shape or incoming[name] for name in before if name in made}
    if not shapes:
        return "rows"
    return shapes.pop() if len(shapes) == 1 else "mixed"
