"""Carry a claimed segment through: connections, runner, logs, and one transaction for what it came to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import TypeAlias

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections import service as connections
from headrace.connections.resolver import Resolver
from headrace.connections.tokens import with_tokens
from headrace.engine.messages import SegmentDone, SegmentFailed, SegmentParked, SegmentRequest
from headrace.engine.problems import problem_of
from headrace.executions import logs as execution_logs
from headrace.executions import payloads, settle
from headrace.executions.called import load_called
from headrace.executions.leases import Claim, Doorbell, events_after
from headrace.executions.live import publish, publish_answered
from headrace.executions.settle import Room, Settled
from headrace.executions.state import retry_delay_s
from headrace.infra.bus import Bus
from headrace.infra.crypto import Sealed
from headrace.infra.database import Database
from headrace.infra.queue_names import WAITS
from headrace.infra.settings import Settings
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import Registry
from headrace.sdk.errors import ConfigError, DataError, FeatureOff, HeadraceError, TransientError
from headrace.worker.attempt import Attempt, Crashed, Outcome, Stopped
from headrace.worker.desk import Desk
from headrace.worker.lane import Lane
from headrace.worker.pool import RunnerPool
from headrace.worker.reuse import Reuser
from headrace.worker.runner_process import Runner

TELL_AFTER_S = 0.05
LOGS_EVERY_S = 0.5
LOGS_AT_ONCE = 1_000
SETTLE_AGAIN_S = 0.5
START_AGAIN_S = 5.0
ALONG_MAX = 4
"""Segments that are claimed by the transaction that makes them ready."""
Claims: TypeAlias = Callable[[AsyncSession, Lane, Sequence[Doorbell]], Awaitable[list[Claim]]]
_log = structlog.get_logger("headrace.worker")


class Carrier:
    """Executes attempts with the worker's pool, database and bus; `claim` takes what they make ready."""

    def __init__(
        self, database: Database, bus: Bus, pool: RunnerPool, settings: Settings, registry: Registry, claim: Claims
    ) -> None:
        self._registry, self._claim = registry, claim
        self._database = database
        self._bus = bus
        self._pool = pool
        self._settings = settings
        self._reuser = Reuser(database, settings, registry)
        self._resolver = Resolver(registry, settings.secrets_file)
        self._vault = connections.Vault(settings.key_ring())
        self._desk = Desk(database, bus, self._vault, registry)

    async def carry(self, attempt: Attempt, lane: Lane) -> Settled:
        """Execute and settle; survives a database that is away for a while."""
        writer = asyncio.create_task(self._write_logs(attempt))
        told = asyncio.create_task(self._tell_begun(attempt))
        async with AsyncExitStack() as held:
            try:
                outcome = await self._execute(attempt, lane, held)
            finally:
                lane.worked(attempt.lease.organization_id)
                attempt.end()
                await writer
                await asyncio.gather(told, return_exceptions=True)  # what watchers miss they read
            return await self._finish(attempt, outcome, lane)

    async def _finish(self, attempt: Attempt, outcome: Outcome, lane: Lane) -> Settled:
        """Settle; a segment that holds messages acknowledges them behind the commit."""
        holds = isinstance(outcome, SegmentDone) and outcome.holds
        kept = False
        try:
            settled = await self._settled(attempt, outcome, lane)
            kept = settled.held
        finally:
            if holds:
                await attempt.commit(kept=kept)
        return settled

    async def _settled(self, attempt: Attempt, outcome: Outcome, lane: Lane) -> Settled:
        lease = attempt.lease
        if outcome == Stopped("lost"):
            _log.warning(
                "lease lost; the result is dropped", execution=str(lease.execution_id), segment=lease.segment_no
            )
            return Settled(held=False)
        settled = await self._settle(attempt, outcome, lane)
        await attempt.feed.settled(settled.events)
        _log.info(
            "segment ended", execution=str(lease.execution_id), segment=lease.segment_no, attempt=lease.attempt,
            outcome=type(outcome).__name__.removeprefix("Segment").lower(), held=settled.held,
        )  # fmt: skip
        return settled

    async def _tell_begun(self, attempt: Attempt) -> None:
        """Tell watchers of the claim; of a segment that has soon ended they hear all together."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TELL_AFTER_S):
                await attempt.over.wait()
                return
        lease = attempt.lease
        with contextlib.suppress(HeadraceError):
            async with self._database.transaction(lease.organization_id) as session:
                events = await events_after(session, lease.execution, lease.seen or 0)
            await publish(self._bus, lease.organization_id, lease.execution_id, events)

    async def _execute(self, attempt: Attempt, lane: Lane, held: AsyncExitStack) -> Outcome:
        """What it comes to; the runner of a segment that holds messages is given back with `held`."""
        try:
            specs = await self._connections(attempt)
            attempt.desk = partial(self._desk.answer, attempt.lease.organization_id, specs)
            whole = await self._with_input(attempt, attempt.request(specs, self._settings.objects_url))
            plan = await self._reuser.plan(attempt.claim, whole, specs)
            attempt.reuse(kept.report(node_id) for node_id, kept in plan.kept.items())
            if not plan.rest.graph.nodes:
                return SegmentDone(plan.outputs(whole.keep))
            async with lane.turn(attempt.lease.organization_id, attempt.stopped) as mine:
                if not mine:
                    return Stopped(attempt.why if attempt.stopping else "displaced")
                async with AsyncExitStack() as used:
                    runner = await used.enter_async_context(self._runner(attempt))
                    outcome = await attempt.drive(runner, plan.rest)
                    if isinstance(outcome, SegmentDone) and outcome.holds:
                        held.push_async_exit(used.pop_all())
        except (TransientError, Sealed) as error:
            _log.warning("segment cannot start; given back", reason=error.message, detail=error.detail)
            return Stopped("released")
        except HeadraceError as error:
            return SegmentFailed(problem_of(error))
        if isinstance(outcome, SegmentDone):
            done, attempt.remember, named = await self._reuser.finished(plan, outcome, attempt.reports)
            attempt.name(named)
            outcome = SegmentDone(plan.outputs(whole.keep) | done.outputs, outcome.holds)
        return outcome

    async def _with_input(self, attempt: Attempt, request: SegmentRequest) -> SegmentRequest:
        """What the execution was started with, if it is too large for its row."""
        digest = attempt.claim.input_hash
        if digest is None:
            return request
        lease, url = attempt.lease, self._settings.objects_url
        given = await asyncio.to_thread(payloads.load, url, lease.organization_id, lease.execution_id, digest)
        return msgspec.structs.replace(request, input_data=given)

    def _runner(self, attempt: Attempt) -> AbstractAsyncContextManager[Runner]:
        """The runner that the organization's waiting segments share, or one that is for this segment alone."""
        organization_id = attempt.lease.organization_id
        if attempt.claim.queue != WAITS:
            return self._pool.alone(organization_id)
        return self._pool.alone_for_once(organization_id) if attempt.claim.alone else self._pool.shared(organization_id)

    async def _connections(self, attempt: Attempt) -> dict[str, ConnectionSpec]:
        names = attempt.claim.spec.connections
        if not names:
            return {}
        organization_id = attempt.lease.organization_id
        async with self._database.transaction(organization_id) as session:
            specs = await connections.resolve(session, self._vault, organization_id, names)
        specs = await with_tokens(self._database, self._vault, self._registry, organization_id, specs)
        return await asyncio.to_thread(self._resolver.resolve, specs, organization_id)

    async def _write_logs(self, attempt: Attempt) -> None:
        """Write lines every now and then, and an answer at once; never cancelled in the middle of it."""
        while not await attempt.ended_within(LOGS_EVERY_S):
            with contextlib.suppress(HeadraceError):
                await self._flush_logs(attempt)

    async def _flush_logs(self, attempt: Attempt) -> None:
        lease = attempt.lease
        if attempt.response is not None:
            async with self._database.transaction(lease.organization_id) as session:
                await settle.respond(session, lease, attempt.response)
            await self._answered(attempt)
        await self._flush_lines(attempt)

    async def _answered(self, attempt: Attempt) -> None:
        """The answer is committed: wake who waits for it."""
        attempt.response = None
        await publish_answered(self._bus, attempt.lease.organization_id, attempt.lease.execution_id)

    async def _flush_lines(self, attempt: Attempt) -> None:
        lease = attempt.lease
        while rows := attempt.log_rows[:LOGS_AT_ONCE]:
            async with self._database.transaction(lease.organization_id) as session:
                await execution_logs.append(session, lease, rows)
            del attempt.log_rows[: len(rows)]
            await execution_logs.publish(self._bus, lease.organization_id, lease.execution_id)

    async def _settle(self, attempt: Attempt, outcome: Outcome, lane: Lane) -> Settled:
        """Settle in one transaction, with the answer that waits to be written.

        While the database is away, try again. The fence refuses what is too late.
        """
        room = Room(lane.queues, min(ALONG_MAX, lane.room(attempt.lease.organization_id)))
        record = self._how(attempt, outcome, room)
        while True:
            try:
                await self._flush_lines(attempt)
                return await self._recorded(attempt, record, lane)
            except (ConfigError, DataError, FeatureOff) as error:  # of a wait that cannot begin
                node = attempt.claim.spec.graph.nodes[0]
                problem = problem_of(error, node.id)
                said = msgspec.structs.replace(problem, message=f"'{node.label or node.id}': {problem.message}")
                record = self._how(attempt, SegmentFailed(said), Room())
            except TransientError as error:
                _log.warning("cannot settle a segment yet", reason=error.message, detail=error.detail)
                await asyncio.sleep(SETTLE_AGAIN_S)
            except Exception:  # of a segment after it that cannot be claimed, perhaps
                if not room.most:
                    raise
                _log.exception("a segment is settled alone", execution=str(attempt.lease.execution_id))
                room = Room()
                record = self._how(attempt, outcome, room)

    async def _recorded(
        self, attempt: Attempt, record: Callable[[AsyncSession], Awaitable[Settled]], lane: Lane
    ) -> Settled:
        more = True
        while more:
            async with self._database.transaction(attempt.lease.organization_id) as session:
                if attempt.response is not None:
                    await settle.respond(session, attempt.lease, attempt.response)
                settled = await record(session)
                if settled.mine:
                    claims = await self._claim(session, lane, settled.mine)
                    taken = {claim.lease.segment_no for claim in claims}
                    left = tuple(bell for bell in settled.mine if bell.segment_no not in taken)
                    settled = msgspec.structs.replace(settled, claims=tuple(claims), mine=left)
            more = settled.more
        if attempt.response is not None:
            await self._answered(attempt)
        return settled

    def _how(self, attempt: Attempt, outcome: Outcome, room: Room) -> Callable[[AsyncSession], Awaitable[Settled]]:
        lease, nodes, spec = attempt.lease, attempt.nodes, attempt.claim.spec
        match outcome:
            case SegmentDone(outputs=outputs):
                rows = sum(node.report.rows_out or 0 for node in nodes if node.report.node_id in spec.tails)
                return lambda session: settle.complete(
                    session,
                    lease,
                    outputs=outputs,
                    nodes=nodes,
                    keep=spec.keep,
                    undo=spec.undo,
                    rows=rows,
                    remember=attempt.remember,
                    room=room,
                )
            case SegmentParked(node_id=node_id, wait=wait):
                return lambda session: settle.park(
                    session, attempt.claim, node_id, wait, registry=self._registry, load=load_called
                )
            case SegmentFailed(problem=problem):
                delay = retry_delay_s(problem, spec.graph, attempt.claim.error_count, spec.retry)
                if delay is None:
                    return lambda session: settle.fail(session, lease, problem, nodes=nodes)
                return lambda session: settle.retry(session, lease, problem, delay_s=delay, nodes=nodes)
            case Crashed(reason=reason):
                return lambda session: settle.crash(session, lease, reason=reason)
            case Stopped(why="displaced"):
                return lambda session: settle.release(session, lease)
            case Stopped(why="suspect"):
                return lambda session: settle.release(session, lease, alone=True)
            case Stopped(why="released"):
                pause = 0.0 if attempt.stopping else START_AGAIN_S
                return lambda session: settle.release(session, lease, delay_s=pause)
            case _:
                return lambda session: settle.cancelled(session, lease, nodes=nodes)
