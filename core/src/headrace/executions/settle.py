"""Settle what became of a segment, once, in one transaction: its state, its children, its execution, the events.

Only the newest fence may settle. Functions take a session and commit nothing; the events that they return are for the
bus, after the commit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import FrameRef, NodeFinished, Problem, Responded
from headrace.executions import assets, cached, compensation, families, handlers, waits, ways
from headrace.executions import family_statements as families_sql
from headrace.executions import statements as sql
from headrace.executions.leases import Claim, Doorbell, Event, Lease, append_events, as_json, events_after, events_json
from headrace.executions.state import CRASHES_MAX
from headrace.infra.logs import redact_text
from headrace.plugins.registry import Registry
from headrace.sdk.waiting import Callback, Children, Timer, Wait


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


async def complete(
    session: AsyncSession, lease: Lease, *, outputs: Mapping[str, FrameRef], nodes: Sequence[NodeOutcome],
    keep: Collection[str] = (), undo: Collection[str] = (), rows: int = 0, remember: Sequence[Mapping[str, Any]] = (),
    room: Room = Room(),  # noqa: B008 - frozen
) -> Settled:  # fmt: skip
    """Record success once: state, children, doorbells, nodes, events, and the execution's end if it is the last.

    What `keep` names and `outputs` lacks is a way that is not taken: segments that need it are skipped. `undo` names
    the nodes with a compensation. What is ready and there is `room` for is left to the caller, without a doorbell.
    """
    held = await _hold(session, lease)
    if held is None:
        return Settled(held=False)
    await assets.record(session, lease.execution, nodes)
    await cached.remember(session, lease.execution, remember)
    await _settle(session, lease, "completed", None, outputs=outputs)
    done = {node.report.node_id for node in nodes if node.report.status == "completed" and not node.report.cache_hit}
    await compensation.arm(session, lease.key, [node_id for node_id in undo if node_id in done])
    left_out = set(keep) - outputs.keys()
    freed, skipped = await ways.follow(session, lease.execution, held.children, outputs.keys(), left_out)
    mine = await _take(session, lease, freed[: room.most], room.queues)
    taken = {bell.segment_no for bell in mine}
    ready = await _ring(session, lease, [no for no in freed if no not in taken])
    settled = await _ended(session, lease, held, "completed", nodes, rows=rows, ready=ready, dropped=skipped)
    return msgspec.structs.replace(settled, mine=mine)


async def _take(
    session: AsyncSession, lease: Lease, segments: Sequence[int], queues: Sequence[str]
) -> tuple[Doorbell, ...]:
    """Leave segments that are ready to whoever settles."""
    if not segments:
        return ()
    where = {**lease.execution, "segments": list(segments), "queues": list(queues)}
    return _bells(lease, (await session.execute(sql.MINE, where)).all())


async def _ring(session: AsyncSession, lease: Lease, segments: Sequence[int]) -> tuple[Doorbell, ...]:
    """Ring for segments of the execution that are ready."""
    if not segments:
        return ()
    rung = (await session.execute(sql.RING, {**lease.execution, "segments": list(segments)})).all()
    return _bells(lease, rung)


def _bells(lease: Lease, rows: Sequence[Any]) -> tuple[Doorbell, ...]:
    queues = sorted((row.segment_no, row.queue) for row in rows)
    return tuple(Doorbell(lease.organization_id, lease.execution_id, no, queue) for no, queue in queues)


async def pass_on(session: AsyncSession, bell: Doorbell) -> None:
    """Ring for a segment through the outbox: whoever was told of it has no room."""
    where = {"organization_id": bell.organization_id, "execution_id": bell.execution_id}
    await session.execute(sql.RING, {**where, "segments": [bell.segment_no]})


async def fail(session: AsyncSession, lease: Lease, problem: Problem, *, nodes: Sequence[NodeOutcome]) -> Settled:
    """Record a failure, which fails the execution: what has not begun is skipped, the rest is told to stop.

    A node that continues or routes its failure gets one more turn instead, in which it is not executed.
    """
    held = await _hold(session, lease)
    if held is None:
        return Settled(held=False)
    given_up = await _give_up(session, lease, held, problem, nodes, outcome="failed")
    return given_up or await _fail(session, lease, held, problem, nodes, status="failed")


async def cancelled(session: AsyncSession, lease: Lease, *, nodes: Sequence[NodeOutcome]) -> Settled:
    """Record that the segment was stopped because its execution is."""
    held = await _hold(session, lease)
    if held is None:
        return Settled(held=False)
    await _settle(session, lease, "cancelled", None)
    return await _ended(session, lease, held, "cancelled", nodes)


async def retry(
    session: AsyncSession, lease: Lease, problem: Problem, *, delay_s: float, nodes: Sequence[NodeOutcome]
) -> Settled:
    """Put the segment back for another attempt in `delay_s` seconds, out of its error budget."""
    held = await _hold(session, lease)
    if held is None:
        return Settled(held=False)
    if held.closing:
        await _settle(session, lease, "cancelled", problem)
        return await _ended(session, lease, held, "cancelled", nodes)
    return await _again(session, lease, held, "retried", nodes, problem=problem, delay_s=delay_s, errors=1)


async def park(
    session: AsyncSession, claim: Claim, node_id: str, wait: Wait, *, registry: Registry, load: families.Loader
) -> Settled:
    """Let a segment wait, out of no budget: for a time, a callback, or children, which begin here, some at a time.

    Raises:
        HeadraceError: the children cannot be started; nothing is changed then.
    """
    lease = claim.lease
    held = await _hold(session, lease)
    if held is None:
        return Settled(held=False)
    if held.closing:
        await _settle(session, lease, "cancelled", None)
        return await _ended(session, lease, held, "cancelled", ())
    told: dict[str, Any] = msgspec.to_builtins(wait)
    at, after_s, late = None, None, False
    match wait:
        case Timer():
            at, after_s = wait.at, wait.after_s
        case Callback():
            after_s = wait.deadline_s
            await waits.open_(session, lease, node_id, wait)
        case Children():
            begun = await families.begin(session, claim, wait, registry, load)
            if begun.more:
                return Settled(held=True, more=True)
            told, late = begun.told, begun.late
            after_s = None if wait.wait and begun.many else 0.0
    await session.execute(families_sql.PARK, {**lease.key, "parked": as_json(told), "at": at, "after_s": after_s})
    ready = await _ring(session, lease, [lease.segment_no] if after_s == 0 else [])
    if late:
        await session.execute(families_sql.WAKE, lease.key)
    await _attempt_ended(session, lease, "parked")
    update = {"segment_no": lease.segment_no, "status": "parked", "attempt": held.attempt, "node_ids": held.node_ids,
              "waits_for": told["type"]}  # fmt: skip
    await append_events(session, lease.execution, [("segment_update", update)])
    await session.execute(families_sql.ALL_WAIT, lease.execution)
    return Settled(held=True, ready=ready, events=await _news(session, lease, held))


async def respond(session: AsyncSession, lease: Lease, response: Responded) -> None:
    """Keep the execution's answer to whoever started it; the first one counts."""
    told = msgspec.to_builtins(response)
    await session.execute(sql.RESPOND, {**lease.execution, "response": as_json(told)})


async def release(session: AsyncSession, lease: Lease, *, delay_s: float = 0, alone: bool = False) -> Settled:
    """Give the segment back untouched, out of no budget: the worker stops, or cannot execute it for now.

    From then on it is `alone` in its runner, if it is to show whether it was the one that took a shared one down.
    """
    held = await _hold(session, lease)
    if held is None:
        return Settled(held=False)
    if held.closing:
        await _settle(session, lease, "cancelled", None)
        return await _ended(session, lease, held, "cancelled", ())
    return await _again(session, lease, held, "released", delay_s=delay_s, alone=alone)


async def crash(session: AsyncSession, lease: Lease, *, reason: str, outcome: str = "crashed") -> Settled:
    """The runner or its worker died: try again at once, or declare the segment dead when its crash budget is used up.

    Args:
        session: A transaction.
        lease: What it held. With outcome `lease_expired`, only if the lease is in fact over.
        reason: Of the last crash, for the message.
        outcome: `crashed` or `lease_expired`.
    """
    held = await _hold(session, lease, expired=outcome == "lease_expired")
    if held is None:
        return Settled(held=False)
    if held.closing:
        await _settle(session, lease, "cancelled", None, crashes=1)
        return await _ended(session, lease, held, "cancelled", (), outcome=outcome)
    if held.crash_count >= CRASHES_MAX:
        problem = Problem(
            code="WORKER_CRASHED",
            message=f"the process that executed these steps died {held.crash_count + 1} times ({reason})",
            hint="look for a step that needs more memory than the worker has, or a driver that crashes",
        )
        given_up = await _give_up(session, lease, held, problem, (), outcome=outcome, crashes=1)
        return given_up or await _fail(session, lease, held, problem, (), status="dead", outcome=outcome, crashes=1)
    return await _again(session, lease, held, outcome, crashes=1)


class _Held(Struct, frozen=True, kw_only=True):
    """The locked rows of a lease that is still held."""

    children: list[int]
    crash_count: int
    attempt: int
    node_ids: list[str]
    closing: str | None
    before: int


async def _hold(session: AsyncSession, lease: Lease, *, expired: bool = False) -> _Held | None:
    """Lock the execution and the segment if the fence is the newest and it runs."""
    row = (await session.execute(sql.HELD, {**lease.key, "fence": lease.fence, "expired": expired})).one_or_none()
    if row is None:
        if not expired:
            await session.execute(sql.STALE, {**lease.execution, "fence": lease.fence})
        return None
    return _Held(**row._mapping)


async def _settle(
    session: AsyncSession, lease: Lease, status: str, problem: Problem | None, *, crashes: int = 0,
    outputs: Mapping[str, FrameRef] | None = None,
) -> None:  # fmt: skip
    error = as_json(shown(problem)) if problem else None
    settled = {"status": status, "outputs": as_json(outputs or {}), "error": error, "crashes": crashes}
    await session.execute(sql.SETTLE, {**lease.key, **settled})


async def _give_up(
    session: AsyncSession, lease: Lease, held: _Held, problem: Problem, nodes: Sequence[NodeOutcome], *, outcome: str,
    crashes: int = 0,
) -> Settled | None:  # fmt: skip
    """No attempt is left. Where the node's `on_error` has the execution go on, a last turn carries that out."""
    node_id = None if held.closing else await session.scalar(sql.FORGIVING, lease.key)
    if node_id is None or problem.node_id not in {"", node_id}:
        return None
    failure = msgspec.structs.replace(problem, node_id=node_id, retryable=False)
    await session.execute(sql.GIVE_UP, {**lease.key, "failure": as_json(failure)})
    return await _again(session, lease, held, outcome, nodes, problem=failure, crashes=crashes)


async def _fail(
    session: AsyncSession, lease: Lease, held: _Held, problem: Problem, nodes: Sequence[NodeOutcome], *, status: str,
    outcome: str = "failed", crashes: int = 0,
) -> Settled:  # fmt: skip
    await _settle(session, lease, status, problem, crashes=crashes)
    dropped = await begin_closing(session, lease.execution, closing=held.closing or "failed", problem=problem)
    done = await _ended(session, lease, held, status, nodes, outcome=outcome, dropped=dropped, problem=problem)
    return msgspec.structs.replace(done, stop=True)


async def begin_closing(session: AsyncSession, key: Mapping[str, Any], *, closing: str, problem: Problem | None) -> int:
    """Say how the execution will end, drop what has not begun, tell workers to stop. Returns how many were dropped.

    The caller holds the lock on the execution.
    """
    told = shown(problem)
    message = told["message"] if told else None
    status = "cancelled" if closing == "cancelled" else "skipped"
    what = {"closing": closing, "status": status, "error": as_json(told) if told else None, "error_message": message}
    return int((await session.execute(sql.CLOSE, {**key, **what})).one().dropped)


async def _again(
    session: AsyncSession, lease: Lease, held: _Held, outcome: str, nodes: Sequence[NodeOutcome] = (), *,
    problem: Problem | None = None, delay_s: float = 0, crashes: int = 0, errors: int = 0, alone: bool = False,
) -> Settled:  # fmt: skip
    error = as_json(shown(problem)) if problem else None
    again = {**lease.key, "error": error, "delay_s": delay_s, "crashes": crashes, "errors": errors,
             "alone": alone}  # fmt: skip
    await session.execute(sql.AGAIN, again)
    await _attempt_ended(session, lease, outcome, nodes)
    ready = await _ring(session, lease, [lease.segment_no]) if delay_s <= 0 else ()
    update = {"segment_no": lease.segment_no, "status": "retry_wait", "attempt": held.attempt,
              "node_ids": held.node_ids,
              "error": shown(problem), "delay_s": delay_s}  # fmt: skip
    await append_events(session, lease.execution, [("segment_update", update)])
    return Settled(held=True, ready=ready, events=await _news(session, lease, held))


async def _attempt_ended(session: AsyncSession, lease: Lease, outcome: str, nodes: Sequence[NodeOutcome] = ()) -> None:
    """Close the attempt, and keep what its nodes did."""
    rows = as_json([node.row() for node in nodes])
    told = {"fence": lease.fence, "attempt": lease.attempt, "outcome": outcome, "rows": rows}
    await session.execute(sql.ATTEMPT_ENDED, {**lease.key, **told})


async def _ended(
    session: AsyncSession, lease: Lease, held: _Held, status: str, nodes: Sequence[NodeOutcome], *,
    outcome: str = "", dropped: int = 0, rows: int = 0, ready: tuple[Doorbell, ...] = (),
    problem: Problem | None = None,
) -> Settled:  # fmt: skip
    """The segment is final: end the attempt, write events, close the execution when nothing is open."""
    key = lease.execution
    await _attempt_ended(session, lease, outcome or ("failed" if status == "dead" else status), nodes)
    update: dict[str, Any] = {"segment_no": lease.segment_no, "status": status, "attempt": held.attempt}
    if problem:
        update["error"] = shown(problem)
    events = [("node_update", node_json(lease, node)) for node in nodes]
    events.append(("segment_update", {**update, "node_ids": held.node_ids}))
    rejected = sum(node.report.rows_rejected for node in nodes)
    await pass_segments(session, key, ended=1 + dropped, rows=rows, rejected=rejected, events=events)
    return Settled(held=True, ready=ready, events=await _news(session, lease, held))


async def _news(session: AsyncSession, lease: Lease, held: _Held) -> tuple[Event, ...]:
    """What watchers may not know yet: those of the claim come again, unless they came with others'."""
    after = held.before if lease.seen is None else min(lease.seen, held.before)
    return tuple(await events_after(session, lease.execution, after))


async def pass_segments(
    session: AsyncSession, key: Mapping[str, Any], *, ended: int, rows: int = 0, rejected: int = 0,
    events: Sequence[tuple[str, dict[str, Any]]] = (),
) -> bool:  # fmt: skip
    """Count ended segments; when none is open, end the execution and tell who waits for it. Returns whether it ended.

    The caller holds the lock on the execution.
    """
    counts = {"ended": ended, "rows": rows, "rejected": rejected, "events": events_json(events)}
    row = (await session.execute(sql.PASSED, {**key, **counts})).one_or_none()
    if row is None or not row.closes:
        return False
    await families.closed(session, dict(key), row)
    undoing = await compensation.closed(session, key, row)
    if row.handled:
        await handlers.begin(session, dict(key), ("on_error",) if undoing else handlers.KINDS)
    return True


def node_json(lease: Lease, node: NodeOutcome) -> dict[str, Any]:
    """A node execution as the API shows it."""
    row = node.row()
    outputs = row.pop("outputs", {})
    where = {"segment_no": lease.segment_no, "attempt": lease.attempt, "has_output": bool(outputs)}
    return {**row, **where, "execution_id": str(lease.execution_id)}
