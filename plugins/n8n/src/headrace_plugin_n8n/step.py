"""What a translation of one step gets, and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from headrace_plugin_n8n.values import Shape
from headrace_plugin_n8n.workflow import Node, Workflow


class Step(Struct, frozen=True, kw_only=True):
    """A step of n8n in its place.

    Attributes:
        shape: What rows come in.
        started: Only steps that start the workflow lead to it.
        known: Ids of flows here, by the ids of their workflows.
    """

    node: Node
    workflow: Workflow
    shape: Shape
    started: bool
    known: Mapping[str, str]

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter."""
        value = self.node.parameters.get(name)
        return default if value is None else value

    def options(self) -> dict[str, Any]:
        """The parameter `options`."""
        found = self.node.parameters.get("options")
        return found if isinstance(found, dict) else {}


class Made(Struct, frozen=True, kw_only=True):
    """A step of headrace.

    Attributes:
        inputs: Ports, by the number of the input in n8n.
        outputs: Ports, by the number of the output in n8n.
        many: Its input takes any number of edges.
        notes: Differences to look at, and what is to be entered.
        shape: Of the rows that come out; None: as they came in.
        alone: Nothing leads to it, whatever led to it in n8n.
    """

    type: str
    config: dict[str, Any] = {}
    inputs: tuple[str, ...] = ("in",)
    outputs: tuple[str, ...] = ("out",)
    many: bool = False
    notes: tuple[str, ...] = ()
    shape: Shape | None = None
    alone: bool = False


Translation: TypeAlias = Callable[[Step], Made]
"""Raises Unmapped for what it does not translate."""
