"""Carry a claimed segment through: connections, runner, logs, and one transaction for what it came to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import TypeAlias
from uuid import UUID

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
from headrace.executions.leases import Claim, Doorbell, Lease, events_of
from headrace.executions.live import publish, publish_answered
from headrace.executions.outcomes import NO_ROOM, Completion, Room, Settled
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
from headrace.worker.together import Together

TELL_AFTER_S = 0.05
LOGS_EVERY_S = 0.5
LOGS_AT_ONCE = 1_000
SETTLE_AGAIN_S = 0.5
START_AGAIN_S = 5.0
ALONG_MAX = 4
"""Segments that are claimed by the transaction that makes them ready."""
Claims: TypeAlias = Callable[[AsyncSession, Lane, Sequence[Doorbell]], Awaitable[list[Claim]]]
Record: TypeAlias = Completion | Callable[[AsyncSession], Awaitable[Settled]]
"""How to settle: completed segments together, any other by itself."""
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
        self._begun = Together(self._tell_all_begun)
        self._opened = Together(self._open_all)
        self._completed = Together(self._complete_all)

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
        with contextlib.suppress(HeadraceError):
            await self._begun.do(attempt.lease.organization_id, attempt.lease)

    async def _tell_all_begun(self, organization_id: UUID, leases: Sequence[Lease]) -> Sequence[None]:
        async with self._database.transaction(organization_id) as session:
            after = [(lease.execution_id, lease.seen or 0) for lease in leases]
            found = await events_of(session, organization_id, after)
        for execution_id, events in found.items():
            await publish(self._bus, organization_id, execution_id, events)
        return [None] * len(leases)

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
        specs = await self._opened.do(organization_id, names)
        specs = await with_tokens(self._database, self._vault, self._registry, organization_id, specs)
        if not self._resolver.refers(specs):
            return specs
        return await asyncio.to_thread(self._resolver.resolve, specs, organization_id)

    async def _open_all(
        self, organization_id: UUID, wanted: Sequence[Sequence[str]]
    ) -> Sequence[dict[str, ConnectionSpec]]:
        """Connections of several segments, as they are now."""
        async with self._database.transaction(organization_id) as session:
            found = await connections.resolve(session, self._vault, organization_id, {n for ns in wanted for n in ns})
        return [{name: found[name] for name in names if name in found} for names in wanted]

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
        record = self._how(attempt, outcome)
        while True:
            try:
                await self._flush_lines(attempt)
                settled = await self._recorded(attempt, record, lane)
            except (ConfigError, DataError, FeatureOff) as error:  # of a wait that cannot begin
                node = attempt.claim.spec.graph.nodes[0]
                problem = problem_of(error, node.id)
                said = msgspec.structs.replace(problem, message=f"'{node.label or node.id}': {problem.message}")
                record = self._how(attempt, SegmentFailed(said))
            except TransientError as error:
                _log.warning("cannot settle a segment yet", reason=error.message, detail=error.detail)
                await asyncio.sleep(SETTLE_AGAIN_S)
            else:
                if attempt.response is not None:
                    await self._answered(attempt)
                return settled

    async def _recorded(self, attempt: Attempt, record: Record, lane: Lane) -> Settled:
        if isinstance(record, Completion):
            return await self._completed.do((attempt.lease.organization_id, lane), (attempt, record))
        more = True
        while more:
            async with self._database.transaction(attempt.lease.organization_id) as session:
                if attempt.response is not None:
                    await settle.respond(session, attempt.lease, attempt.response)
                settled = await record(session)
            more = settled.more
        return settled

    async def _complete_all(
        self, place: tuple[UUID, Lane], done: Sequence[tuple[Attempt, Completion]]
    ) -> Sequence[Settled]:
        """Settle segments that have completed, and claim what they make ready, as far as there is room."""
        organization_id, lane = place
        room = Room(lane.queues, min(ALONG_MAX * len(done), lane.room(organization_id)))
        try:
            return await self._completed_with(organization_id, lane, done, room)
        except HeadraceError:
            raise
        except Exception:  # of a segment after them that cannot be claimed, perhaps
            if not room.most or len(done) > 1:
                raise
            _log.exception("a segment is settled alone", execution=str(done[0][0].lease.execution_id))
            return await self._completed_with(organization_id, lane, done, NO_ROOM)

    async def _completed_with(
        self, organization_id: UUID, lane: Lane, done: Sequence[tuple[Attempt, Completion]], room: Room
    ) -> Sequence[Settled]:
        async with self._database.transaction(organization_id) as session:
            for attempt, _ in sorted(done, key=lambda one: one[0].lease.execution_id):
                if attempt.response is not None:
                    await settle.respond(session, attempt.lease, attempt.response)
            found = await settle.complete_all(session, organization_id, [one for _, one in done], room=room)
            mine = [bell for settled in found for bell in settled.mine]
            claims = await self._claim(session, lane, mine) if mine else []
        return [_with_claims(settled, claims) for settled in found]

    def _how(self, attempt: Attempt, outcome: Outcome) -> Record:
        lease, nodes, spec = attempt.lease, attempt.nodes, attempt.claim.spec
        match outcome:
            case SegmentDone(outputs=outputs):
                rows = sum(node.report.rows_out or 0 for node in nodes if node.report.node_id in spec.tails)
                return Completion(
                    lease=lease, outputs=outputs, nodes=nodes, keep=spec.keep, undo=spec.undo, rows=rows,
                    remember=attempt.remember,
                )  # fmt: skip
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


def _with_claims(settled: Settled, claims: Sequence[Claim]) -> Settled:
    """What was claimed of the segments that it makes ready, and what is left of them."""
    ready = {(bell.execution_id, bell.segment_no) for bell in settled.mine}
    taken = {(claim.lease.execution_id, claim.lease.segment_no): claim for claim in claims}
    left = tuple(bell for bell in settled.mine if (bell.execution_id, bell.segment_no) not in taken)
    return msgspec.structs.replace(settled, claims=tuple(taken[key] for key in taken if key in ready), mine=left)
