"""Nodes that execute other steps or flows: for each, while, call a flow, and a flow's doors."""

from __future__ import annotations

from typing import Any

from headrace.sdk import Column, DataError, DataType, FileFacts, Node, NodeContext, Reject
from headrace.sdk.frames import Frame, Frames
from headrace.sdk.waiting import Child, Children, Item, Parked

from headrace_node_control.branches import matches
from headrace_node_control.configs import ForEachConfig, InputConfig, OutputConfig, SubflowConfig, WhileConfig
from headrace_node_control.waits import one_row

ITEMS_MAX = 100_000


class ForEach(Node[ForEachConfig]):
    """The steps inside, for each item."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: what the items gave, in their order."""
        if ctx.resumed is None:
            items = self._items(ctx, inputs.get("in"))
            if len(items) > ITEMS_MAX:
                raise DataError(
                    f"{len(items):,} items are too many; {ITEMS_MAX:,} are the most: take batches of rows",
                    field="over",
                )
            if items:
                stop = self.config.on_item_error == "fail"
                raise Parked(Children(items=tuple(items), parallel=self.config.parallel, stop_on_failure=stop))
            ctx.log("there is no item; nothing is executed")
            return {}
        failed = [child for child in ctx.resumed.children if child.status != "completed"]
        if failed and self.config.on_item_error == "fail":
            bad = [child for child in failed if child.status in {"failed", "timed_out", "cancelled"}]
            raise DataError(_told(bad[0] if bad else failed[0], len(ctx.resumed.children)))
        ctx.reject([Reject(child.item_no + 1, child.error or child.status) for child in failed])
        ctx.log(f"{len(ctx.resumed.children):,} items, {len(failed):,} of them failed")
        results = ctx.results()
        return {} if results is None else {"out": results}

    def _items(self, ctx: NodeContext, frame: Frame | None) -> list[Item]:
        if self.config.over == "values":
            return [
                Item(source="none", params={"item": value, "index": index})
                for index, value in enumerate(self.config.values)
            ]
        if self.config.over == "files":
            found = ctx.connector(self.config.connection).files(self.config.pattern)
            return [
                Item(source="none", params={"item": _about(file), "index": index})
                for index, file in enumerate(sorted(found, key=lambda file: file.path))
            ]
        if frame is None:
            raise DataError("there are no rows to go through; connect the input, or choose values", field="over")
        rows = ctx.input_rows()
        if self.config.over == "batches":
            size = self.config.batch_rows
            return [
                Item(offset=start, rows=size, params={"index": index})
                for index, start in enumerate(range(0, rows, size))
            ]
        if rows > ITEMS_MAX:
            return [Item()] * rows
        values = [row for batch in ctx.engine.batches(frame) for row in batch.iter_rows(named=True)]
        return [
            Item(offset=n, rows=1, params={"item": {name: _plain(v) for name, v in row.items()}, "index": n})
            for n, row in enumerate(values)
        ]


class While(Node[WhileConfig]):
    """The steps inside, again and again."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the rows that do not meet the condition any more."""
        frame: Frame | None = inputs.get("in")
        rounds, left_s = 0, self.config.max_seconds
        if ctx.resumed is not None:
            rounds = ctx.resumed.before + len(ctx.resumed.children)
            left_s -= ctx.resumed.elapsed_s
            last = ctx.resumed.children[-1]
            if last.status == "timed_out" and left_s <= 0:
                raise DataError(f"round {rounds:,} did not end within {self._seconds()}", field="max_seconds")
            if last.status != "completed":
                raise DataError(_told(last, rounds))
            frame = ctx.results()
        if frame is None:
            raise DataError("a round gave no rows to go on with; connect the last step inside to 'Result of a round'")
        if not matches(ctx, frame, self.config.where):
            return {"out": frame}
        if rounds >= self.config.max_rounds:
            return self._at_limit(ctx, frame, f"{rounds:,} rounds, the limit", "max_rounds")
        if left_s <= 0:
            return self._at_limit(ctx, frame, self._seconds(), "max_seconds")
        source: Any = "previous" if rounds else "input"
        item = Item(source=source, params={"index": rounds})
        raise Parked(Children(items=(item,), deadline_s=left_s))

    def _seconds(self) -> str:
        return f"{self.config.max_seconds:g} seconds, the limit"

    def _at_limit(self, ctx: NodeContext, frame: Frame, limit: str, field: str) -> Frames:
        if self.config.at_limit == "fail":
            raise DataError(
                f"the condition is still true after {limit}; raise it, or correct the steps inside", field=field
            )
        ctx.log(f"stopped after {limit}", level="warning")
        return {"out": frame}


class Subflow(Node[SubflowConfig]):
    """Another flow."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: what the called flow gave; the input, when it is not waited for."""
        if ctx.resumed is None:
            item = Item(params=dict(self.config.parameters))
            config = self.config
            raise Parked(Children(items=(item,), flow=config.flow, version=config.version, wait=config.wait))
        child = ctx.resumed.children[0]
        done = {"execution_id": child.execution_id, "status": child.status, "error": child.error}
        if not self.config.wait:
            return {**(inputs and {"out": inputs["in"]}), "done": one_row(ctx, done)}
        if child.status != "completed":
            if self.config.on_failure == "fail":
                raise DataError(f"the flow '{self.config.flow}' {_how(child)}")
            ctx.log(f"the flow '{self.config.flow}' {_how(child)}", level="warning")
            return {"done": one_row(ctx, done)}
        results = ctx.results()
        return {**({} if results is None else {"out": results}), "done": one_row(ctx, done)}


class FlowInput(Node[InputConfig]):
    """Where rows enter."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: no rows of the declared columns; a caller's rows take the place of this step."""
        declared = [Column(c.name, DataType(c.type), bits=64) for c in self.config.columns]
        return {"out": ctx.engine.empty(declared)}


class FlowOutput(Node[OutputConfig]):
    """What a caller gets."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `out`: the input."""
        return {"out": inputs["in"]}


def _about(file: FileFacts) -> dict[str, Any]:
    return {"path": file.path, "size_bytes": file.size_bytes, "modified_at": file.modified_at.isoformat()}


def _told(child: Child, of: int) -> str:
    return f"item {child.item_no + 1:,} of {of:,} {_how(child)}"


def _how(child: Child) -> str:
    return f"failed: {child.error}" if child.error else f"did not complete ({child.status})"


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
