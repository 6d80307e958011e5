"""Nodes about how a flow ends: stop, respond, and what is executed afterwards."""

from __future__ import annotations

import json
from typing import Any

from headrace.sdk import DataError, Node, NodeContext
from headrace.sdk.frames import Frames

from headrace_node_control.branches import matches
from headrace_node_control.configs import HandlerConfig, RespondConfig, StopConfig
from headrace_node_control.waits import one_row


class Stop(Node[StopConfig]):
    """An error of the user's own."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the input, if no row meets the condition.

        Raises:
            DataError: with the user's message.
        """
        if not self.config.where or not inputs or matches(ctx, inputs["in"], self.config.where):
            raise DataError(self.config.message)
        return {"out": inputs["in"]}


class Respond(Node[RespondConfig]):
    """An answer for the caller."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the input."""
        config = self.config
        body, kind = config.body, config.content_type or "text/plain; charset=utf-8"
        if config.send == "rows":
            rows = self._rows(ctx, inputs)
            body, kind = json.dumps(rows, ensure_ascii=False, default=str), config.content_type or "application/json"
        ctx.respond(config.status, {**config.headers, "content-type": kind}, body)
        return dict(inputs and {"out": inputs["in"]})

    def _rows(self, ctx: NodeContext, inputs: Frames) -> list[dict[str, Any]]:
        if not inputs:
            return []
        if ctx.input_rows() > self.config.rows_max:
            raise DataError(
                f"{ctx.input_rows():,} rows are more than the answer may have ({self.config.rows_max:,}); limit them "
                "before, or raise the number",
                field="rows_max",
            )
        return [row for batch in ctx.engine.batches(inputs["in"]) for row in batch.iter_rows(named=True)]


class Handler(Node[HandlerConfig]):
    """The first step of what is executed after the flow."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: one row about how the flow ended."""
        return {"out": one_row(ctx, dict(ctx.params.get("ended", {})) or {"status": "test"})}
