"""Nodes that wait: for a time, a call, a decision."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from headrace.sdk import Column, ConfigError, DataError, DataType, Node, NodeContext
from headrace.sdk.frames import Frame, Frames
from headrace.sdk.waiting import Callback, Parked, Timer

from headrace_node_control.configs import ApprovalConfig, WaitConfig, WebhookConfig


class WaitStep(Node[WaitConfig]):
    """Later."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the input, or one row with the moment."""
        if ctx.resumed is None:
            raise Parked(Timer(at=self._until()) if self.config.until else Timer(after_s=self.config.seconds))
        return {"out": inputs["in"] if inputs else one_row(ctx, {"resumed_at": datetime.now(UTC).isoformat()})}

    def _until(self) -> datetime:
        try:
            moment = datetime.fromisoformat(self.config.until)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ConfigError(
                f"'{self.config.until}' is no moment with a zone; write it like 2027-01-31T08:00:00+01:00",
                field="until",
            )
        return moment


class WaitForCall(Node[WebhookConfig]):
    """A call from outside."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: what the caller sent, one row; or `timeout`."""
        if ctx.resumed is None:
            config = self.config
            raise Parked(Callback(kind="webhook", title=config.title, deadline_s=config.deadline_s))
        if ctx.resumed.payload is None:
            return {"timeout": inputs["in"] if inputs else one_row(ctx, {"waited_s": self.config.deadline_s})}
        return {"out": one_row(ctx, ctx.resumed.payload or {"received": True})}


class Approval(Node[ApprovalConfig]):
    """A decision."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return the way that was decided, with the input, and `answer`: one row."""
        config = self.config
        if ctx.resumed is None:
            raise Parked(
                Callback(
                    kind="approval", title=config.title, message=config.message, form=self._form(),
                    assignees=tuple(config.assignees), deadline_s=config.deadline_s,
                )
            )  # fmt: skip
        payload = ctx.resumed.payload
        if payload is None and config.at_deadline == "fail":
            raise DataError(f"nobody decided on '{config.title}' in time")
        way = "approved" if payload and payload.get("approved") is True else "rejected"
        if payload is None and config.at_deadline == "timeout":
            way = "timeout"
        answer = one_row(ctx, {"decision": way, "by": ctx.resumed.by, **(payload or {})})
        return {way: inputs["in"] if inputs else answer, "answer": answer}

    def _form(self) -> dict[str, Any]:
        fields = self.config.form
        return {
            "type": "object",
            "properties": {
                "approved": {"type": "boolean", "title": "Approved"},
                **{field.name: {"type": field.type, "title": field.title or field.name} for field in fields},
            },
            "required": ["approved", *(field.name for field in fields if field.required)],
        }


def one_row(ctx: NodeContext, values: dict[str, Any]) -> Frame:
    """A frame of one row; what is nested is JSON text."""
    import msgspec

    columns, row = [], []
    for name, value in values.items():
        kind = next((k for t, k in _KINDS if isinstance(value, t)), DataType.TEXT)
        nested = isinstance(value, dict | list)
        columns.append(Column(name, kind, bits=64))
        row.append(msgspec.json.encode(value).decode() if nested else value)
    return ctx.engine.table(columns, [tuple(row)], ctx.scratch)


_KINDS: tuple[tuple[Any, DataType], ...] = (
    (bool, DataType.BOOLEAN), (int, DataType.INTEGER), (float, DataType.FLOAT),
)  # fmt: skip
