"""What became of a segment, and what settling it led to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from headrace.engine.messages import FrameRef, NodeFinished, Problem
from headrace.executions.leases import Claim, Doorbell, Event, Lease
from headrace.infra.logs import redact_text


class NodeOutcome(Struct, frozen=True, kw_only=True):
    """What one node did in an attempt."""

    report: NodeFinished
    started_at: datetime | None
    completed_at: datetime

    def row(self) -> dict[str, Any]:
        """As `node_executions` and the API have it."""
        report: dict[str, Any] = msgspec.to_builtins(self.report)
        report.pop("type", None)
        report.pop("asset", None)
        report["error"] = shown(self.report.error)
        return report | {"started_at": self.started_at, "completed_at": self.completed_at}


class Room(Struct, frozen=True):
    """What whoever settles can go on with at once: so many segments of these queues."""

    queues: tuple[str, ...] = ()
    most: int = 0


NO_ROOM = Room()


class Settled(Struct, frozen=True):
    """What settling a segment led to. `held` is false when the lease was lost: nothing was changed.

    Attributes:
        held: Whether it was settled.
        mine: Segments that are ready, and have no doorbell: whoever settled has room for them.
        claims: Of those, what the same transaction claims for whoever settles.
        ready: Others that are ready.
        events: For the bus.
        stop: The execution stops.
        more: One transaction is not enough: settle it again.
    """

    held: bool
    mine: tuple[Doorbell, ...] = ()
    claims: tuple[Claim, ...] = ()
    ready: tuple[Doorbell, ...] = ()
    events: tuple[Event, ...] = ()
    stop: bool = False
    more: bool = False


def shown(problem: Problem | None) -> dict[str, Any] | None:
    """A problem as people see it and tables keep it: without credentials and the detail, which is for the log."""
    if problem is None:
        return None
    told: dict[str, Any] = msgspec.to_builtins(problem)
    told.pop("detail", None)
    return {**told, "message": redact_text(problem.message), "hint": redact_text(problem.hint)}


class Completion(Struct, frozen=True, kw_only=True):
    """A segment that has completed.

    Attributes:
        lease: What held it.
        outputs: Its stored frames by `node.port`.
        nodes: What its nodes did.
        keep: What it was to give; of that, what `outputs` lacks is a way that is not taken.
        undo: Nodes with a compensation.
        rows: Rows of the execution that came out of it.
        remember: Outputs to keep by content.
    """

    lease: Lease
    outputs: Mapping[str, FrameRef]
    nodes: Sequence[NodeOutcome]
    keep: Collection[str] = ()
    undo: Collection[str] = ()
    rows: int = 0
    remember: Sequence[Mapping[str, Any]] = ()


class Held(Struct, frozen=True, kw_only=True):
    """The locked rows of a lease that is still held."""

    fence: int
    children: list[int]
    crash_count: int
    attempt: int
    node_ids: list[str]
    closing: str | None
    before: int


class Passed(Struct, frozen=True):
    """Segments of an execution that are final since it was counted last, and events to write with that."""

    execution_id: UUID
    ended: int
    rows: int = 0
    rejected: int = 0
    events: Sequence[tuple[str, dict[str, Any]]] = ()


def together(passed: Sequence[Passed]) -> list[Passed]:
    """One entry for each execution."""
    found: dict[UUID, Passed] = {}
    for one in passed:
        known = found.get(one.execution_id)
        found[one.execution_id] = one if known is None else Passed(
            one.execution_id, known.ended + one.ended, known.rows + one.rows, known.rejected + one.rejected,
            [*known.events, *one.events],
        )  # fmt: skip
    return list(found.values())


def node_json(lease: Lease, node: NodeOutcome) -> dict[str, Any]:
    """A node execution as the API shows it."""
    row = node.row()
    outputs = row.pop("outputs", {})
    where = {"segment_no": lease.segment_no, "attempt": lease.attempt, "has_output": bool(outputs)}
    return {**row, **where, "execution_id": str(lease.execution_id)}


def passed_by(
    lease: Lease, held: Held, status: str, nodes: Sequence[NodeOutcome], *, dropped: int = 0, rows: int = 0,
    problem: Problem | None = None,
) -> Passed:  # fmt: skip
    """A segment that is final, and those that were dropped with it, as its execution counts them."""
    update: dict[str, Any] = {"segment_no": lease.segment_no, "status": status, "attempt": held.attempt}
    if problem:
        update["error"] = shown(problem)
    events = [("node_update", node_json(lease, node)) for node in nodes]
    events.append(("segment_update", {**update, "node_ids": held.node_ids}))
    rejected = sum(node.report.rows_rejected for node in nodes)
    return Passed(lease.execution_id, ended=1 + dropped, rows=rows, rejected=rejected, events=events)


def untold(lease: Lease, held: Held) -> tuple[UUID, int]:
    """From where on watchers may not know: events of the claim come again, unless they came with others'."""
    return lease.execution_id, held.before if lease.seen is None else min(lease.seen, held.before)
