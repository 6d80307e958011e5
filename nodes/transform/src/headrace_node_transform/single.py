"""Base of the nodes with one frame in and one out."""

from __future__ import annotations

from abc import abstractmethod

import msgspec
from headrace.sdk import Node, NodeContext
from headrace.sdk.config import ConfigT
from headrace.sdk.frames import Frame, Frames, follow


class Single(Node[ConfigT]):
    """One step over one frame; its result's columns are known at once, however long the chain before it."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`."""
        name = (type(self), type(ctx.engine), msgspec.msgpack.encode(self.config))
        return {"out": follow(inputs["in"], ctx.engine.empty, self.step, name=name)}

    @abstractmethod
    def step(self, frame: Frame) -> Frame:
        """The frame afterwards; lazy, pure."""
