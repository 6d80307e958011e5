"""Settle what became of a segment, once, in one transaction: its state, its children, its execution, the events.

Only the newest fence may settle. Functions take a session and commit nothing; the events that they return are for the
bus, after the commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.engine.messages import Problem, Responded
from headrace.executions import assets, cached, compensation, families, handlers, waits, ways
from headrace.executions import family_statements as families_sql
from headrace.executions import statements as sql
from headrace.executions.leases import (
    Claim,
    Doorbell,
    Event,
    Lease,
    append_events,
    as_json,
    each,
    events_json,
    events_of,
    span,
)
from headrace.executions.outcomes import (
    NO_ROOM,
    Completion,
    Held,
    NodeOutcome,
    Passed,
    Room,
    Settled,
    passed_by,
    shown,
    together,
    untold,
)
from headrace.executions.state import CRASHES_MAX
from headrace.plugins.registry import Registry
from headrace.sdk.waiting import Callback, Children, Timer, Wait


async def complete(session: AsyncSession, lease: Lease, *, room: Room = NO_ROOM, **done: Any) -> Settled:
    """Record success once: state, children, doorbells, nodes, events, and the execution's end if it is the last."""
    return (await complete_all(session, lease.organization_id, [Completion(lease=lease, **done)], room=room))[0]


async def complete_all(
    session: AsyncSession, organization_id: UUID, done: Sequence[Completion], *, room: Room = NO_ROOM
) -> list[Settled]:
    """The same for several segments of an organization, of one execution or of many, in one go.

    What an output that was to be kept lacks is a way that is not taken: segments that need it are skipped. What is
    ready and there is `room` for is left to the caller, without a doorbell.
    """
    held = await _hold_all(session, organization_id, [one.lease for one in done])
    once = {one.lease.fence: one for one in done if one.lease.fence in held}
    kept = sorted(once.values(), key=lambda one: one.lease.execution_id)
    if not kept:
        return [Settled(held=False)] * len(done)
    of_all = {"organization_id": organization_id, "executions": [one.lease.execution_id for one in kept]}
    await assets.record(session, organization_id, [(one.lease.execution_id, one.nodes) for one in kept])
    rows = [{**row, "execution_id": one.lease.execution_id} for one in kept for row in one.remember]
    await cached.remember(session, organization_id, rows)
    segments, outputs = [one.lease.segment_no for one in kept], [as_json(one.outputs) for one in kept]
    given = {"segments": segments, "outputs": outputs, "status": "completed", "error": None, "crashes": 0}
    await session.execute(sql.SETTLE, {**of_all, **given})
    settled: dict[int, Settled] = {}
    passed = []
    for one in kept:
        follows, skipped = await _follow(session, one, held[one.lease.fence].children, room)
        room = msgspec.structs.replace(room, most=room.most - len(follows.mine))
        settled[one.lease.fence] = follows
        passed.append(
            passed_by(one.lease, held[one.lease.fence], "completed", one.nodes, dropped=skipped, rows=one.rows)
        )
    await _attempts_ended(session, organization_id, "completed", [(one.lease, one.nodes) for one in kept])
    await pass_all(session, organization_id, passed)
    news = await events_of(session, organization_id, [untold(one.lease, held[one.lease.fence]) for one in kept])
    for one in kept:  # each event is told once
        events = tuple(news.pop(one.lease.execution_id, ()))
        settled[one.lease.fence] = msgspec.structs.replace(settled[one.lease.fence], events=events)
    return [settled.get(one.lease.fence) or Settled(held=False) for one in done]


async def _follow(session: AsyncSession, done: Completion, children: Sequence[int], room: Room) -> tuple[Settled, int]:
    """What a completed segment makes ready, and how many segments have lost their way."""
    lease = done.lease
    nodes = {
        node.report.node_id for node in done.nodes if node.report.status == "completed" and not node.report.cache_hit
    }
    await compensation.arm(session, lease.key, [node_id for node_id in done.undo if node_id in nodes])
    left_out = set(done.keep) - done.outputs.keys()
    freed, skipped = await ways.follow(session, lease.execution, children, done.outputs.keys(), left_out)
    mine = await _take(session, lease, freed[: max(0, room.most)], room.queues)
    taken = {bell.segment_no for bell in mine}
    ready = await _ring(session, lease, [no for no in freed if no not in taken])
    return Settled(held=True, mine=mine, ready=ready), skipped


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


async def _hold(session: AsyncSession, lease: Lease, *, expired: bool = False) -> Held | None:
    """Lock the execution and the segment if the fence is the newest and it runs."""
    return (await _hold_all(session, lease.organization_id, [lease], expired=expired)).get(lease.fence)


async def _hold_all(
    session: AsyncSession, organization_id: UUID, leases: Sequence[Lease], *, expired: bool = False
) -> dict[int, Held]:
    """The same for several, by fence; all lock in one order."""
    key = {"organization_id": organization_id}
    asked = {**key, **each(leases), "fences": [lease.fence for lease in leases], "expired": expired}
    held = {row.fence: Held(**row._mapping) for row in await session.execute(sql.HELD, asked)}
    for lease in leases:
        if lease.fence not in held and not expired:
            await session.execute(sql.STALE, {**lease.execution, "fence": lease.fence})
    return held


async def _settle(
    session: AsyncSession, lease: Lease, status: str, problem: Problem | None, *, crashes: int = 0
) -> None:
    """Make a segment final that gave nothing."""
    error = as_json(shown(problem)) if problem else None
    settled = {"status": status, "outputs": ["{}"], "error": error, "crashes": crashes}
    await session.execute(sql.SETTLE, {"organization_id": lease.organization_id, **each([lease]), **settled})


async def _give_up(
    session: AsyncSession, lease: Lease, held: Held, problem: Problem, nodes: Sequence[NodeOutcome], *, outcome: str,
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
    session: AsyncSession, lease: Lease, held: Held, problem: Problem, nodes: Sequence[NodeOutcome], *, status: str,
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
    session: AsyncSession, lease: Lease, held: Held, outcome: str, nodes: Sequence[NodeOutcome] = (), *,
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
    await _attempts_ended(session, lease.organization_id, outcome, [(lease, nodes)])


async def _attempts_ended(
    session: AsyncSession, organization_id: UUID, outcome: str, ended: Sequence[tuple[Lease, Sequence[NodeOutcome]]]
) -> None:
    rows = [
        {**node.row(), "execution_id": lease.execution_id, "segment_no": lease.segment_no, "attempt": lease.attempt}
        for lease, nodes in ended for node in nodes
    ]  # fmt: skip
    executions = [lease.execution_id for lease, _ in ended]
    which = {"executions": executions, "fences": [lease.fence for lease, _ in ended], **span(executions)}
    told = {"organization_id": organization_id, "outcome": outcome, "rows": as_json(rows)}
    await session.execute(sql.ATTEMPT_ENDED, {**which, **told})


async def _ended(
    session: AsyncSession, lease: Lease, held: Held, status: str, nodes: Sequence[NodeOutcome], *,
    outcome: str = "", dropped: int = 0, problem: Problem | None = None,
) -> Settled:  # fmt: skip
    """The segment is final: end the attempt, write events, close the execution when nothing is open."""
    await _attempt_ended(session, lease, outcome or ("failed" if status == "dead" else status), nodes)
    passed = passed_by(lease, held, status, nodes, dropped=dropped, problem=problem)
    await pass_all(session, lease.organization_id, [passed])
    return Settled(held=True, events=await _news(session, lease, held))


async def _news(session: AsyncSession, lease: Lease, held: Held) -> tuple[Event, ...]:
    found = await events_of(session, lease.organization_id, [untold(lease, held)])
    return tuple(found[lease.execution_id])


async def pass_segments(session: AsyncSession, key: Mapping[str, Any], *, ended: int) -> bool:
    """Count ended segments of an execution; end it when none is open. Returns whether it ended.

    The caller holds the lock on the execution.
    """
    return bool(await pass_all(session, key["organization_id"], [Passed(key["execution_id"], ended=ended)]))


async def pass_all(session: AsyncSession, organization_id: UUID, passed: Sequence[Passed]) -> set[UUID]:
    """Count ended segments of executions; those without an open one end, and who waits for it is told.

    The caller holds the locks on the executions. Returns which ended.
    """
    each = together(passed)
    rows = await session.execute(sql.PASSED, {
        "organization_id": organization_id, "executions": [one.execution_id for one in each],
        "ended": [one.ended for one in each], "rows": [one.rows for one in each],
        "rejected": [one.rejected for one in each], "events": [events_json(one.events) for one in each],
    })  # fmt: skip
    closed = [row for row in rows.all() if row.closes]
    await families.closed(session, organization_id, closed)
    for row in closed:
        key = {"organization_id": organization_id, "execution_id": row.execution_id}
        undoing = await compensation.closed(session, key, row)
        if row.handled:
            await handlers.begin(session, key, ("on_error",) if undoing else handlers.KINDS)
    return {row.execution_id for row in closed}
