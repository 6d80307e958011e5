"""Faults: one at a time, at random moments, drawn from a seed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from datetime import datetime
from uuid import UUID, uuid4

import redis
import sqlalchemy as sa
from headrace.infra.clock import now
from headrace.infra.database import Database
from headrace.infra.queue import QUEUES, Bell, Ringer
from headrace.sdk.errors import HeadraceError, TransientError

from tests.chaos.stack import LEASE_S, Member, Stack

WEIGHTS = {
    "worker killed": 4, "scheduler killed": 2, "runner killed": 3, "worker frozen": 6, "runner frozen": 2,
    "redis flushed": 2, "redis down": 1, "postgres crashed": 1, "doorbells doubled and forged": 3,
}  # fmt: skip
CLAIMS_BETWEEN = 20
PATIENCE_S = 3.0
_NEWEST = sa.text("SELECT coalesce(max(fence), 0) FROM segment_attempts")
_BUSY = sa.text("""
SELECT DISTINCT w.pid FROM segment_runs n JOIN workers w ON w.id = n.lease_owner WHERE n.status = 'running'
""")


class Faults:
    """Injects faults into a stack until it is stopped."""

    def __init__(
        self, stack: Stack, rng: random.Random, organization_id: UUID, known: list[UUID], watch: Database
    ) -> None:
        self._stack, self._rng = stack, rng
        self._organization_id, self._known = organization_id, known
        self.counts: Counter[str] = Counter()
        self._frozen: list[int] = []
        self._watch = watch
        self._waits: set[asyncio.Task[None]] = set()
        self._newest = 0
        self.kills: list[tuple[datetime, int]] = []

    async def serve(self) -> None:
        """Until cancelled. Every fault has happened once before one happens twice."""
        first = list(WEIGHTS)
        self._rng.shuffle(first)
        while True:
            await asyncio.sleep(self._rng.uniform(1, 3.5))
            self._stack.revive()
            await self._progress()
            name = first.pop() if first else self._rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            await getattr(self, "_" + name.replace(" ", "_"))()
            self.counts[name] += 1

    async def stop(self) -> None:
        """End what lasts; everything runs again."""
        for task in self._waits:
            task.cancel()
        await asyncio.gather(*self._waits, return_exceptions=True)
        for pid in self._frozen:
            _signal(pid, signal.SIGCONT)
        self._stack.revive()

    async def _progress(self) -> None:
        """Wait until something was claimed since the last fault, so that a slow machine is not only ever starting."""
        for _ in range(int(PATIENCE_S / 0.1)):
            with contextlib.suppress(HeadraceError):
                async with self._watch.transaction() as session:
                    newest = int(await session.scalar(_NEWEST) or 0)
                if newest >= self._newest + CLAIMS_BETWEEN:
                    self._newest = newest
                    return
            await asyncio.sleep(0.1)

    def _freeze(self, pid: int, seconds: float) -> None:
        async def thaw() -> None:
            try:
                await asyncio.sleep(seconds)
            finally:
                _signal(pid, signal.SIGCONT)

        if pid:
            _signal(pid, signal.SIGSTOP)
            self._frozen.append(pid)
            task = asyncio.create_task(thaw())
            self._waits.add(task)
            task.add_done_callback(self._waits.discard)

    async def _busy(self) -> Member:
        """A worker that holds a lease right now, if one does within two seconds."""
        for _ in range(40):
            with contextlib.suppress(HeadraceError):
                async with self._watch.transaction() as session:
                    pids = set((await session.scalars(_BUSY)).all())
                found = [worker for worker in self._stack.workers if worker.pid in pids]
                if found:
                    return self._rng.choice(found)
            await asyncio.sleep(0.05)
        return self._rng.choice(self._stack.workers)

    async def _worker_killed(self) -> None:
        worker = await self._busy()
        self.kills.append((now(), worker.pid))
        worker.kill()

    async def _scheduler_killed(self) -> None:
        for scheduler in self._stack.schedulers:
            scheduler.kill()

    async def _runner_killed(self) -> None:
        runners = (await self._busy()).runners()
        if runners:
            _signal(self._rng.choice(runners), signal.SIGKILL)

    async def _worker_frozen(self) -> None:
        """Longer than its lease, while its runners go on."""
        self._freeze((await self._busy()).pid, LEASE_S + self._rng.uniform(0.5, 2.0))

    async def _runner_frozen(self) -> None:
        runners = (await self._busy()).runners()
        if runners:
            self._freeze(self._rng.choice(runners), self._rng.uniform(0.5, 3.0))

    async def _redis_flushed(self) -> None:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self._stack.urls.redis_url.reveal()) as client:
            client.flushall()

    async def _redis_down(self) -> None:
        self._stack.crash("valkey")
        await asyncio.sleep(self._rng.uniform(0.5, 3))

    async def _postgres_crashed(self) -> None:
        self._stack.crash("postgres")
        await asyncio.sleep(self._rng.uniform(0, 1))

    async def _doorbells_doubled_and_forged(self) -> None:
        known = self._rng.sample(self._known, min(20, len(self._known)))
        bells = [Bell(self._organization_id, one, no, q) for one in known for no in range(6) for q in QUEUES]
        bells += [Bell(uuid4(), one, 0, "heavy") for one in known] + [Bell(self._organization_id, uuid4(), 0, "io")]
        ringer = Ringer(self._stack.urls.redis_url.reveal())
        with contextlib.suppress(TransientError):
            await asyncio.to_thread(ringer.ring, bells)
        ringer.close()


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
