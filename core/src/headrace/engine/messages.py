"""What a supervisor and a runner say to each other: msgpack Structs over a private pipe."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from headrace.flows.graph import FlowGraph
from headrace.plugins.records import ConnectionSpec
from headrace.sdk.types import Column
from headrace.sdk.waiting import Resumed, Wait


class FrameRef(Struct, frozen=True, omit_defaults=True):
    """A stored frame: Parquet under `key` in the object store, or `rows` of it from `offset` on.

    `reuse` names how it was made: frames with the same one hold the same rows (`engine.reuse`).
    """

    key: str
    rows: int
    bytes: int
    columns: tuple[Column, ...] = ()
    offset: int = 0
    part: bool = False
    reuse: str = ""

    def slice(self, offset: int, rows: int | None) -> FrameRef:
        """Some of its rows."""
        left = max(0, self.rows - offset)
        rows = left if rows is None else min(rows, left)
        share = round(self.bytes * rows / self.rows) if self.rows else 0
        return FrameRef(self.key, rows, share, self.columns, self.offset + offset, True, self.reuse)


class Problem(Struct, frozen=True, omit_defaults=True):
    """A failure, ready for people and for the retry policy.

    Attributes:
        code: Of the error's class.
        message: One sentence without secrets.
        hint: What to do next.
        detail: For the log.
        node_id: The node at fault, if one is.
        field: Config field at fault, if one is.
        retryable: A TransientError: try again after `retry_after_s` or by the node's policy.
    """

    code: str
    message: str
    hint: str = ""
    detail: str = ""
    node_id: str = ""
    field: str = ""
    retryable: bool = False
    retry_after_s: float | None = None


class SegmentRequest(Struct, frozen=True, kw_only=True, tag="segment"):
    """Execute one segment.

    Attributes:
        graph: The segment's nodes and the edges between them, plus edges that come from earlier segments.
        inputs: Frames of earlier segments by `node.port`.
        keep: `node.port` of the outputs that later segments or the caller need.
        observe: `all` stores every node's output and counts its rows (design time); `borders` only `keep`.
        connections: By the name or id that the nodes' configs use.
        resumed: Why its control node is run again.
        taken: By node id: what its templates call other steps, and `node.port` of what those gave (in `inputs`).
        results: Frames of its child executions, in the order of the items.
        row_limit: Sources give so many rows at most (design time).
        failure: What a node came to for good, when no attempt is left: it is not executed, its `on_error` is.
        prefix: Where in the store this execution's frames go, e.g. `<organization>/executions/<id>`.
    """

    execution_id: str
    organization_id: str
    segment_no: int
    attempt: int
    graph: FlowGraph
    inputs: dict[str, FrameRef] = {}
    keep: tuple[str, ...] = ()
    observe: Literal["all", "borders"] = "borders"
    connections: dict[str, ConnectionSpec] = {}
    params: dict[str, Any] = {}
    input_data: dict[str, Any] = {}
    taken: dict[str, dict[str, str]] = {}
    resumed: Resumed | None = None
    results: tuple[FrameRef, ...] = ()
    row_limit: int | None = None
    failure: Problem | None = None
    engine: str = "polars"
    storage_url: str
    prefix: str

    @property
    def known(self) -> dict[str, Any]:
        """What templates in the nodes' configs may use."""
        from headrace.engine.templates import known

        return known(self.params, self.execution_id, self.input_data)


class Cancel(Struct, frozen=True, tag="cancel"):
    """Stop at the next progress point."""


class NodeStarted(Struct, frozen=True, tag="node_started"):
    """A node begins; fused nodes begin together."""

    node_id: str


class NodeProgress(Struct, frozen=True, tag="node_progress"):
    """Rows that passed so far."""

    node_id: str
    rows: int


class NodeFinished(Struct, frozen=True, tag="node_finished", kw_only=True):
    """A node's outcome. `None` counts were not observed.

    `cache_hit`: it was not executed, its outputs are those of an earlier execution; `pinned`: those somebody fixed.
    """

    node_id: str
    status: Literal["completed", "failed", "skipped"]
    duration_ms: float = 0
    rows_in: int | None = None
    rows_out: int | None = None
    rows_rejected: int = 0
    bytes: int | None = None
    memory_peak_bytes: int | None = None
    error: Problem | None = None
    outputs: dict[str, FrameRef] = {}
    """Stored frames by port."""
    cache_hit: bool = False
    pinned: bool = False
    asset: tuple[str, str] | None = None
    """Connection, and table or file, that it wrote."""


class LogLine(Struct, frozen=True, tag="log", kw_only=True):
    """A line of the execution's log."""

    message: str
    level: Literal["debug", "info", "warning", "error"] = "info"
    node_id: str = ""
    fields: dict[str, Any] = {}


class SegmentDone(Struct, frozen=True, tag="done"):
    """The segment completed; `outputs` by `node.port` holds at least `keep`.

    `holds`: it has read messages that it acknowledges once it is told that all of this is committed.
    """

    outputs: dict[str, FrameRef]
    holds: bool = False


class SegmentFailed(Struct, frozen=True, tag="failed"):
    """The segment failed, or was cancelled (`problem.code` is CANCELLED)."""

    problem: Problem


class SegmentParked(Struct, frozen=True, tag="parked"):
    """The segment's control node has to wait."""

    node_id: str
    wait: Wait


class Responded(Struct, frozen=True, tag="responded"):
    """An answer for the request that started the execution."""

    status: int
    headers: dict[str, str]
    body: str


class Committed(Struct, frozen=True, tag="committed"):
    """What a segment came to is stored, or (not `kept`) is dropped: it acknowledges what it holds, or gives it back."""

    kept: bool


class LetGo(Struct, frozen=True, tag="let_go"):
    """A segment holds no messages any more."""


class HostAsked(Struct, frozen=True, kw_only=True, tag="asked"):
    """A connection needs its host: leave to make a request, or (without budgets) another token than `refused`."""

    no: int
    connection: str
    budgets: tuple[tuple[int, int], ...] = ()
    refused: str = ""


class HostTold(Struct, frozen=True, kw_only=True, tag="told"):
    """The answer to what was asked with this number: seconds to wait, a token, or why there is none."""

    no: int
    wait_s: float = 0.0
    token: str = ""
    problem: Problem | None = None


Report: TypeAlias = (
    NodeStarted | NodeProgress | NodeFinished | LogLine | Responded | SegmentDone | SegmentFailed | SegmentParked
    | HostAsked | LetGo
)  # fmt: skip
Order: TypeAlias = SegmentRequest | Cancel | HostTold | Committed
