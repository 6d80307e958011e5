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
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from headrace.executions import leases
from headrace.executions.leases import Doorbell, Lease
from headrace.executions.live import Feed, publish
from headrace.infra.bus import Bus
from headrace.infra.database import Database
from headrace.infra.ids import new_id
from headrace.infra.logs import configure_logs
from headrace.infra.notify import listen
from headrace.infra.queue import Doorbells
from headrace.infra.queue_names import QUEUES
from headrace.infra.settings import Settings
from headrace.plugins.manager import Host, load_plugins
from headrace.sdk.errors import HeadraceError
from headrace.worker import membership
from headrace.worker.attempt import Attempt
from headrace.worker.carry import Carrier
from headrace.worker.confine import close_to_others
from headrace.worker.pool import RunnerPool
from headrace.worker.timing import Timing

_log = structlog.get_logger("headrace.worker")


def main(settings: Settings, *, timing: Timing | None = None) -> None:
    """Work until SIGTERM or SIGINT, then drain. A second signal gives everything back at once.

    Raises:
        HeadraceError: it cannot start.
    """
    close_to_others()
    configure_logs(settings, process="worker")
    asyncio.run(_serve(settings, timing or Timing()))


async def _serve(settings: Settings, timing: Timing) -> None:
    with tempfile.TemporaryDirectory(prefix="headrace-worker-") as scratch:
        supervisor = Supervisor(settings, load_plugins(), timing=timing, scratch=Path(scratch))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.ask_to_stop)
        await supervisor.serve()


class Supervisor:
    """One worker process."""

    def __init__(self, settings: Settings, host: Host, *, timing: Timing, scratch: Path) -> None:
        self.id = new_id()
        self.host = host
        self.timing = timing
        self.slots = settings.worker_processes or os.cpu_count() or 1
        self.queues: Sequence[str] = tuple(settings.queues) or QUEUES
        self.distributions = sorted(host.distributions)
        self._url = (settings.database_worker_url or settings.database_url).reveal()
        self.database = Database.from_url(self._url, pool_size=settings.pool_size, name="headrace-worker")
        self.bus = Bus.from_url(settings.redis_url.reveal())
        self.pool = RunnerPool(self.slots, scratch)
        self._doorbells = Doorbells(settings.redis_url.reveal(), self._rung, queues=self.queues)
        self._carrier = Carrier(self.database, self.bus, self.pool, settings, host.registry)
        self._free = asyncio.Semaphore(self.slots)
        self._attempts: dict[int, Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._drained = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask_to_stop(self) -> None:
        """Stop claiming; called twice, give back what runs."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    @property
    def busy(self) -> int:
        """Segments in work."""
        return len(self._attempts)

    async def serve(self, *, ready: Callable[[], None] | None = None) -> None:
        """Work until asked to stop, then drain.

        Raises:
            HeadraceError: the database cannot be reached at the start.
        """
        self._loop = asyncio.get_running_loop()
        await membership.join(self.database, self)
        self.pool.warm_up()
        self._doorbells.start()
        keepers = [
            asyncio.create_task(keeper)
            for keeper in (self._heartbeats(), self._polls(), listen(self._url, ("headrace_stop",), self._told_to_stop))
        ]
        _log.info("worker ready", worker=str(self.id), slots=self.slots, queues=self.queues,
                  plugin_set=self.host.plugin_set_hash)  # fmt: skip
        if ready:
            ready()
        try:
            watched: set[asyncio.Task[None]] = {asyncio.create_task(self._await_stop()), *keepers}
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

    async def _await_stop(self) -> None:
        await self._stopping.wait()

    async def _drain(self) -> None:
        """Let segments finish for a while, then give them back."""
        _log.info("worker drains", busy=self.busy)
        if not self._drained:
            await asyncio.to_thread(self._doorbells.stop)
        if self._tasks:
            hurry: asyncio.Future[Any] = asyncio.create_task(self._hurry.wait())
            everything: asyncio.Future[Any] = asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.wait({hurry, everything}, timeout=self.timing.drain_s, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
            for attempt in list(self._attempts.values()):
                attempt.stop("released")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(everything, 5)

    async def _close(self) -> None:
        await self.pool.close()
        with contextlib.suppress(HeadraceError):
            await membership.leave(self.database, self.id)
        await self.bus.close()
        await self.database.close()
        _log.info("worker stopped", worker=str(self.id))

    def _rung(self, organization_id: UUID, execution_id: UUID, segment_no: int) -> None:
        """In a thread of Dramatiq: hand a doorbell to the loop and wait until it is claimed or refused."""
        if self._loop is None or self._stopping.is_set():
            return
        try:
            asyncio.run_coroutine_threadsafe(
                self.ring(Doorbell(organization_id, execution_id, segment_no)), self._loop
            ).result()
        except (HeadraceError, RuntimeError, concurrent.futures.CancelledError):
            return

    async def ring(self, bell: Doorbell) -> bool:
        """Claim and execute the segment as soon as a runner is free. Returns whether it was claimed."""
        if self._drained or not await self._slot():
            return False
        try:
            async with self.database.transaction(bell.organization_id) as session:
                claim = await leases.claim(
                    session, bell, worker_id=self.id, lease_s=self.timing.lease_s, distributions=self.distributions,
                    queues=self.queues,
                )  # fmt: skip
        except BaseException:
            self._free.release()
            raise
        if claim is None:
            self._free.release()
            return False
        feed = Feed(self.bus, bell.organization_id, bell.execution_id)
        attempt = Attempt(claim, feed, cancel_grace_s=self.timing.cancel_grace_s)
        self._attempts[claim.lease.fence] = attempt
        self._spawn(self._carry(attempt))
        return True

    async def _slot(self) -> bool:
        """Wait for a free runner; False when the worker stops meanwhile."""
        free, stopping = asyncio.create_task(self._free.acquire()), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([free, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if not free.done():
            free.cancel()
            return False
        if self._drained or self._stopping.is_set():
            self._free.release()
            return False
        return True

    async def _carry(self, attempt: Attempt) -> None:
        """Execute a claimed segment to its end; then look at what it made ready."""
        lease = attempt.lease
        try:
            await publish(self.bus, lease.organization_id, lease.execution_id, attempt.claim.events)
            settled = await self._carrier.carry(attempt)
        finally:
            self._attempts.pop(lease.fence, None)
            self._free.release()
        for segment_no in settled.ready:
            self._spawn(self._try(Doorbell(lease.organization_id, lease.execution_id, segment_no)))

    async def _try(self, bell: Doorbell) -> None:
        with contextlib.suppress(HeadraceError):
            await self.ring(bell)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a segment was dropped; its lease will expire", exc_info=task.exception())

    async def _heartbeats(self) -> None:
        while True:
            await asyncio.sleep(self.timing.heartbeat_s)
            with contextlib.suppress(HeadraceError):
                await self.heartbeat()
                draining = self._drained or self._stopping.is_set()
                if await membership.beat(self.database, self, draining=draining) and not draining:
                    self._drained = True
                    self._spawn(self._take_nothing_more())

    async def _take_nothing_more(self) -> None:
        """An admin drains this worker: what runs goes on, doorbells go to the others."""
        _log.info("worker is drained by an admin", worker=str(self.id), busy=self.busy)
        await asyncio.to_thread(self._doorbells.stop)
        with contextlib.suppress(HeadraceError):
            await membership.beat(self.database, self, draining=True)

    async def heartbeat(self) -> None:
        """Extend every lease; what is lost is killed, what is to stop is told."""
        held: list[Lease] = [attempt.lease for attempt in self._attempts.values()]
        if not held:
            return
        async with self.database.transaction() as session:
            kept = await leases.heartbeat(session, held, lease_s=self.timing.lease_s)
        for lease in held:
            attempt = self._attempts.get(lease.fence)
            if attempt is None:
                continue
            if lease.fence not in kept:
                attempt.stop("lost")
            elif kept[lease.fence]:
                attempt.stop("cancelled")

    def _told_to_stop(self, _channel: str, execution: str) -> None:
        """An execution is to stop; without its id, something may have been missed: ask."""
        for attempt in self._attempts.values():
            if str(attempt.lease.execution_id) == execution:
                attempt.stop("cancelled")
        if not execution and self._attempts:
            self._spawn(self._ask())

    async def _ask(self) -> None:
        with contextlib.suppress(HeadraceError):
            await self.heartbeat()

    async def _polls(self) -> None:
        """Find work whose doorbell did not come: Redis is away, or was emptied."""
        while not self._stopping.is_set():
            await asyncio.sleep(self.timing.poll_s)
            with contextlib.suppress(HeadraceError):
                await self._poll()
        await asyncio.Event().wait()

    async def _poll(self) -> None:
        free = self.slots - self.busy
        if free <= 0 or self._drained or self._stopping.is_set():
            return
        async with self.database.transaction() as session:
            bells = await leases.candidates(
                session, distributions=self.distributions, queues=self.queues, limit=2 * free
            )
        for bell in bells:
            if self._free.locked():
                return
            await self.ring(bell)
