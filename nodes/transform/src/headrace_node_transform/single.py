"""Base of the nodes with one frame in and one out."""

from __future__ import annotations

from abc import abstractmethod

from headrace.sdk import Node, NodeContext
from headrace.sdk.config import ConfigT
from headrace.sdk.frames import Frame, Frames, follow


class Single(Node[ConfigT]):
    """One step over one frame; its result's columns are known at once, however long the chain before it."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`."""
        return {"out": follow(inputs["in"], ctx.engine.empty, self.step)}

    @abstractmethod
    def step(self, frame: Frame) -> Frame:
        """The frame afterwards; lazy, pure."""
