"""The worker: claims segments, keeps their leases, has runners execute them, settles what they come to.

One asyncio loop owns all of it. Dramatiq's threads only hand doorbells over; plugin code runs in child processes, so
nothing that a node does can stop a heartbeat.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.entitlements.licence import given
from headrace.entitlements.service import use_host
from headrace.executions import leases, settle
from headrace.executions.leases import Claim, Doorbell, Lease
from headrace.executions.live import Feed
from headrace.infra.bus import Bus
from headrace.infra.confine import close_to_others
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.logs import configure_logs
from headrace.infra.notify import listen
from headrace.infra.queue import Doorbells
from headrace.infra.queue_names import QUEUES, WAITS
from headrace.infra.roles import refuse_powerful
from headrace.infra.settings import Settings
from headrace.plugins.follow import Follower
from headrace.plugins.manager import Host, load_plugins
from headrace.sdk.errors import HeadraceError, TransientError
from headrace.worker import membership
from headrace.worker.attempt import Attempt
from headrace.worker.carry import Carrier
from headrace.worker.lane import Lane
from headrace.worker.pool import RunnerPool
from headrace.worker.timing import Timing

AFTER_OTHERS_S = 0.05
THREADS = (4, 8)
"""That wait with a doorbell until it is claimed, by lane."""
_log = structlog.get_logger("headrace.worker")


def main(settings: Settings, *, timing: Timing | None = None) -> None:
    """Work until SIGTERM or SIGINT, then drain. A second signal gives everything back at once.

    Raises:
        HeadraceError: it cannot start.
    """
    close_to_others()
    configure_logs(settings, process="worker")
    refuse_powerful(settings)
    asyncio.run(_serve(settings, timing or Timing()))


async def _serve(settings: Settings, timing: Timing) -> None:
    with tempfile.TemporaryDirectory(prefix="headrace-worker-") as scratch:
        host = load_plugins()
        use_host(host, licence=given(settings.license.reveal(), settings.home))
        supervisor = Supervisor(settings, host, timing=timing, scratch=Path(scratch))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.ask_to_stop)
        await supervisor.serve()


class Supervisor:
    """One worker process."""

    def __init__(self, settings: Settings, host: Host, *, timing: Timing, scratch: Path) -> None:
        self.id = new_id()
        self.host, self.timing = host, timing
        self.slots = settings.worker_processes or os.cpu_count() or 1
        self.queues: Sequence[str] = tuple(settings.queues) or QUEUES
        self._url = (settings.database_worker_url or settings.database_url).reveal()
        self.database = Database.from_url(
            self._url, pool_size=settings.pool_size, name="headrace-worker", servers=settings.database_servers
        )
        self.bus = Bus.from_url(settings.redis_url.reveal())
        reserve = settings.worker_reserve
        self.pool = RunnerPool(self.slots, scratch, reserve=reserve)
        self.waiting_slots = settings.worker_waiting if WAITS in self.queues else 0
        computing = [queue for queue in self.queues if queue != WAITS]
        self._lanes = [Lane(computing, self.slots, reserve=reserve, ahead=True)] if computing else []
        self._lanes += [Lane([WAITS], self.waiting_slots, reserve=reserve)] if self.waiting_slots else []
        self._doorbells = [
            Doorbells(
                settings.redis_url.reveal(),
                partial(self._rung, lane),
                partial(self._called, lane),
                queues=lane.queues,
                threads=threads,
            )
            for lane, threads in zip(self._lanes, THREADS, strict=False)
        ]
        self._carrier = Carrier(self.database, self.bus, self.pool, settings, host.registry, self._claim_in)
        self._attempts: dict[tuple[UUID, int], Attempt] = {}
        self._joined: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping, self._hurry = asyncio.Event(), asyncio.Event()
        self._drained = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask_to_stop(self) -> None:
        """Stop claiming; called twice, give back what runs."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    @property
    def distributions(self) -> list[str]:
        """What may be claimed: an admin may switch plugins off and on."""
        return sorted(self.host.distributions)

    @property
    def busy(self) -> int:
        """Segments in work."""
        return len(self._attempts)

    async def serve(self, *, ready: Callable[[], None] | None = None) -> None:
        """Work until asked to stop, then drain. Without a database, wait for it."""
        self._loop = asyncio.get_running_loop()
        await self._join()
        self.pool.warm_up()
        for doorbells in self._doorbells:
            doorbells.start()
        keeping = (
            self._heartbeats(), Follower(self.database, self._url, self.host).serve(),
            *map(self._claims, self._lanes), *map(self._looks, self._lanes),
        )  # fmt: skip
        keepers = [asyncio.create_task(keeper) for keeper in keeping]
        _log.info("worker ready", worker=str(self.id), slots=self.slots, queues=self.queues,
                  plugin_set=self.host.plugin_set_hash)  # fmt: skip
        if ready:
            ready()
        try:
            watched: set[asyncio.Task[Any]] = {asyncio.create_task(self._stopping.wait()), *keepers}
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._stopping.set()
            await self._drain()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            await self._close()

    async def _join(self) -> None:
        """Say that this worker is here, as soon as the database can be told."""
        waits = False
        while not self._stopping.is_set():
            try:
                await self._join_everywhere()
            except TransientError as error:
                if not waits:
                    _log.warning("worker waits", reason=error.message, detail=error.detail)
                waits = True
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.timing.poll_s):
                        await self._stopping.wait()
            else:
                return

    async def _join_everywhere(self) -> None:
        """Say so in each database that organizations have of their own as well, and listen there."""
        for database in await self.database.everywhere():
            if database.place not in self._joined:
                await membership.join(database, self)
                listening = listen(database.url, ("headrace_stop", "headrace_ring"), self._told)
                self._joined[database.place] = asyncio.create_task(listening)

    async def _drain(self) -> None:
        """Let segments finish for a while, then give them back."""
        _log.info("worker drains", busy=self.busy)
        await self._hear_no_more()
        if self._tasks:
            hurry: asyncio.Future[Any] = asyncio.create_task(self._hurry.wait())
            everything: asyncio.Future[Any] = asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.wait({hurry, everything}, timeout=self.timing.drain_s, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
            for attempt in list(self._attempts.values()):
                attempt.stop("released")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await everything

    async def _hear_no_more(self) -> None:
        doorbells, self._doorbells = self._doorbells, []
        for lane in self._lanes:
            lane.stop()
        await asyncio.gather(*(asyncio.to_thread(each.stop) for each in doorbells))

    async def _close(self) -> None:
        await self.pool.close()
        for listening in self._joined.values():
            listening.cancel()
        with contextlib.suppress(HeadraceError):
            for database in await self.database.everywhere():
                await membership.leave(database, self.id)
        await self.bus.close()
        await self.database.close()
        _log.info("worker stopped", worker=str(self.id))

    def _rung(self, lane: Lane, organization_id: UUID, execution_id: UUID, segment_no: int) -> bool:
        """In a thread of Dramatiq: hand a doorbell to the loop, and wait. Returns whether there was room for it."""
        if self._loop is None or self._stopping.is_set():
            return False
        bell = Doorbell(organization_id, execution_id, segment_no)
        with contextlib.suppress(RuntimeError, concurrent.futures.CancelledError):
            return asyncio.run_coroutine_threadsafe(lane.ring(bell), self._loop).result() is not None
        return False

    def _called(self, lane: Lane) -> None:
        """In a thread: a worker had no room for a doorbell."""
        if self._loop is not None and not self._stopping.is_set():
            self._loop.call_soon_threadsafe(lane.look_again)

    async def _claims(self, lane: Lane) -> None:
        """Claim what is rung for, as far as the lane has room; no organization waits for the claims of another."""
        while True:
            self._spawn(self._answer(lane, await lane.rung()))

    async def _answer(self, lane: Lane, rung: Sequence[tuple[Doorbell, asyncio.Future[bool]]]) -> None:
        claimed: list[Claim] = []
        try:
            claimed = await self._claim(lane, [bell for bell, _ in rung])
            for claim in claimed:
                self._begin(lane, claim)
        finally:
            lane.answer(rung, {(claim.lease.execution_id, claim.lease.segment_no) for claim in claimed})

    async def _claim(self, lane: Lane, bells: Sequence[Doorbell]) -> list[Claim]:
        try:
            async with self.database.transaction(bells[0].organization_id) as session:
                return await self._claim_in(session, lane, bells)
        except HeadraceError:
            return []
        except Exception:  # one that cannot be read keeps no other from being claimed
            if len(bells) == 1:
                _log.exception("a segment cannot be claimed", execution=str(bells[0].execution_id))
                return []
            return [claim for bell in bells for claim in await self._claim(lane, [bell])]

    async def _claim_in(self, session: AsyncSession, lane: Lane, bells: Sequence[Doorbell]) -> list[Claim]:
        return await leases.claim_all(
            session, bells[0].organization_id, bells, worker_id=self.id, lease_s=self.timing.lease_s,
            distributions=self.distributions, queues=lane.queues,
        )  # fmt: skip

    def _begin(self, lane: Lane, claim: Claim) -> None:
        lease = claim.lease
        feed = Feed(self.bus, lease.organization_id, lease.execution_id)
        attempt = Attempt(claim, feed, cancel_grace_s=self.timing.cancel_grace_s)
        self._attempts[lease.execution_id, lease.fence] = attempt
        lane.enter(lease.organization_id)
        self._spawn(self._carry(lane, attempt))

    async def _carry(self, lane: Lane, attempt: Attempt) -> None:
        """Execute a claimed segment to its end; then look at what it made ready."""
        lease = attempt.lease
        try:
            settled = await self._carrier.carry(attempt, lane)
        finally:
            self._attempts.pop((lease.execution_id, lease.fence), None)
            lane.leave()
        for claim in settled.claims:
            self._begin(lane, claim)
        for bell in settled.mine:
            self._spawn(self._try(bell))
        for bell in settled.ready:
            self._spawn(self._ring(bell))

    async def _try(self, bell: Doorbell) -> None:
        """Claim what only this worker was told of; if there is no room for it, ring for others."""
        if await self._ring(bell) is None:
            with contextlib.suppress(HeadraceError):
                async with self.database.transaction(bell.organization_id) as session:
                    await settle.pass_on(session, bell)

    async def _ring(self, bell: Doorbell) -> bool | None:
        lane = next((lane for lane in self._lanes if bell.queue in lane.queues), None)
        return False if lane is None else await lane.ring(bell)

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a segment was dropped; its lease will expire", exc_info=task.exception())

    async def _heartbeats(self) -> None:
        while True:
            await asyncio.sleep(self.timing.heartbeat_s)
            with contextlib.suppress(HeadraceError):
                await self.heartbeat()
                await self._beat()

    async def _beat(self) -> None:
        """Say in each database that it lives; an admin drains it in the shared one."""
        await self._join_everywhere()
        draining = self._drained or self._stopping.is_set()
        for database in await self.database.everywhere(known_s=self.timing.heartbeat_s):
            with contextlib.suppress(HeadraceError):
                asked = await membership.beat(database, self, draining=draining)
                if asked and not draining and not database.place:
                    self._drained = draining = True
                    self._spawn(self._take_nothing_more())

    async def _take_nothing_more(self) -> None:
        """An admin drains this worker: what runs goes on, doorbells go to the others."""
        _log.info("worker is drained by an admin", worker=str(self.id), busy=self.busy)
        await self._hear_no_more()
        with contextlib.suppress(HeadraceError):
            await membership.beat(self.database, self, draining=True)

    async def heartbeat(self) -> None:
        """Extend every lease; what is lost is killed, what is to stop is told."""
        held: list[Lease] = [attempt.lease for attempt in self._attempts.values()]
        if not held:
            return
        homes: dict[Database, list[Lease]] = {}
        for lease in held:
            homes.setdefault(self.database.home(lease.organization_id), []).append(lease)
        await asyncio.gather(*(self._extend(database, there) for database, there in homes.items()))

    async def _extend(self, database: Database, held: Sequence[Lease]) -> None:
        """One database that is away keeps no other from being told."""
        with contextlib.suppress(HeadraceError, TimeoutError):
            async with asyncio.timeout(self.timing.lease_s / 2), database.transaction() as session:
                kept = await leases.heartbeat(session, held, lease_s=self.timing.lease_s)
            for lease in held:
                attempt = self._attempts.get((lease.execution_id, lease.fence))
                if attempt is None:
                    continue
                if lease.fence not in kept:
                    attempt.stop("lost")
                elif kept[lease.fence]:
                    attempt.stop("cancelled")

    def _told(self, channel: str, what: str) -> None:
        """By the database: an execution is to stop, or this worker is rung; without a word, something may be missed."""
        if channel == "headrace_stop":
            self._told_to_stop(what)
        elif what.startswith(str(self.id)):
            _, organization, execution, segment, queue = what.split(" ", 4)
            self._spawn(self._try(Doorbell(UUID(organization), UUID(execution), int(segment), queue)))
        elif not what:
            for lane in self._lanes:
                lane.look_again()

    def _told_to_stop(self, execution: str) -> None:
        """An execution is to stop; without its id, something may have been missed: ask."""
        for attempt in self._attempts.values():
            if str(attempt.lease.execution_id) == execution:
                attempt.stop("cancelled")
        if not execution and self._attempts:
            self._spawn(self._ask())

    async def _ask(self) -> None:
        with contextlib.suppress(HeadraceError):
            await self.heartbeat()

    async def _looks(self, lane: Lane) -> None:
        """Find work that has no doorbell: there was no room for it, or Redis is away, or was emptied."""
        while not self._stopping.is_set():
            room = await lane.hungry(self.timing.poll_s)
            with contextlib.suppress(HeadraceError):
                if room and not self._drained:
                    await self._look(lane, room)
        await asyncio.Event().wait()

    async def _look(self, lane: Lane, room: int) -> None:
        """Claim what waits, each organization in turn."""
        bells: list[Doorbell] = []
        for database in await self.database.everywhere(known_s=self.timing.heartbeat_s):
            with contextlib.suppress(HeadraceError):
                async with database.transaction() as session:
                    bells += await leases.candidates(
                        session, distributions=self.distributions, queues=lane.queues, limit=room
                    )
        claimed = await asyncio.gather(*map(lane.ring, bells))
        if len(bells) >= room:
            lane.look_again()
        if bells and not any(claimed):  # others were faster
            await asyncio.sleep(AFTER_OTHERS_S)
