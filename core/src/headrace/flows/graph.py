"""FlowGraph: the one immutable form that validation, compilation and execution read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from msgspec import Struct


class Retry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Retry of what fails for a moment: `max` repeats, `delay_s` before the first, doubling if `exponential`."""

    max: int = 3
    delay_s: float = 60.0
    exponential: bool = True


NEVER = Retry(max=0)


class NodeSpec(Struct, frozen=True, kw_only=True):
    """One step of a flow.

    Attributes:
        id: Unique in the flow.
        type: `family.name`.
        config: As stored; parsed against the node type's Config at compile time.
        parent: Id of the loop that this step is inside of.
        retry: None is the default: `Retry()` where nobody watches, none where somebody does.
        on_error: `fail` the execution, `continue` without the node's rows, or `route` the failure to the error port.
    """

    id: str
    type: str
    label: str = ""
    config: dict[str, Any] = {}
    version: int = 1
    disabled: bool = False
    retry: Retry | None = None
    timeout_s: float = 0.0
    on_error: Literal["fail", "continue", "route"] = "fail"
    parent: str = ""


class Edge(Struct, frozen=True, kw_only=True):
    """A wire from an output port to an input port."""

    source: str
    target: str
    source_port: str = "out"
    target_port: str = "in"


class FlowGraph(Struct, frozen=True, kw_only=True, dict=True):
    """Nodes and edges, layout apart. Edges keep their order: it is the order of a `many` port's inputs."""

    nodes: tuple[NodeSpec, ...]
    edges: tuple[Edge, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, NodeSpec]:
        """Nodes by id."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def incoming(self) -> dict[str, list[Edge]]:
        """Edges into each node, in order."""
        found: dict[str, list[Edge]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            found.setdefault(edge.target, []).append(edge)
        return found

    @cached_property
    def outgoing(self) -> dict[str, list[Edge]]:
        """Edges out of each node, in order."""
        found: dict[str, list[Edge]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            found.setdefault(edge.source, []).append(edge)
        return found

    def order(self) -> tuple[str, ...]:
        """Node ids, parents first, otherwise in the written order.

        Raises:
            ValueError: `args[1]` lists the ids of one cycle.
        """
        sorter = TopologicalSorter({node.id: [e.source for e in self.incoming[node.id]] for node in self.nodes})
        try:
            return tuple(sorter.static_order())
        except CycleError as error:
            raise ValueError("cycle", error.args[1]) from None

    def upstream(self, node_id: str) -> set[str]:
        """The node and everything that it depends on."""
        return self._walk(node_id, lambda n: (e.source for e in self.incoming[n]))

    def downstream(self, node_id: str) -> set[str]:
        """The node and everything that depends on it."""
        return self._walk(node_id, lambda n: (e.target for e in self.outgoing[n]))

    def _walk(self, start: str, following: Any) -> set[str]:
        seen, stack = {start}, [start]
        while stack:
            step: Iterator[str] = following(stack.pop())
            for node in step:
                if node not in seen:
                    seen.add(node)
                    stack.append(node)
        return seen

    def level(self, parent: str = "") -> FlowGraph:
        """The steps directly inside a loop, or outside of all, and the edges between them."""
        return self.only({node.id for node in self.nodes if node.parent == parent})

    def inside(self, parent: str) -> set[str]:
        """Ids of all steps inside a loop, at any depth."""
        found: set[str] = set()
        new = {parent}
        while new:
            new = {node.id for node in self.nodes if node.parent in new} - found
            found |= new
        return found

    def only(self, ids: set[str]) -> FlowGraph:
        """The part of the graph with these nodes and the edges between them."""
        return FlowGraph(
            nodes=tuple(n for n in self.nodes if n.id in ids),
            edges=tuple(e for e in self.edges if e.source in ids and e.target in ids),
        )
