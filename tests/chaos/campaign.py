"""One campaign: accept flows while faults happen, let the rest end in peace, examine."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from headrace.executions import service
from headrace.infra.database import Database
from headrace.plugins.manager import Host, load_plugins
from headrace.sdk.errors import HeadraceError, TransientError
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from tests.chaos.checker import Report, examine, open_ledger, recoveries
from tests.chaos.faults import Faults
from tests.chaos.flows import dag
from tests.chaos.stack import PLUGINS, Stack, install_lab

STILL_S = 30.0
"""Without faults, and without any progress for so long, what is open counts as stuck."""
_LEFT = sa.text("""
SELECT count(*) FROM executions WHERE status NOT IN ('completed', 'failed', 'cancelled', 'timed_out')
""")
_REFUSED = sa.text("SELECT coalesce(sum(stale_reports), 0) FROM segment_attempts")
_PROGRESS = sa.text("SELECT coalesce(max(fence), 0) FROM segment_attempts")


class Someone(Struct, frozen=True):
    """Who starts the flows."""

    organization_id: UUID
    user_id: UUID | None = None


class Size(Struct, frozen=True, kw_only=True):
    """How much, and how long faults go on at most."""

    dags: int
    nodes: int
    minutes: float


class Outcome(Struct, kw_only=True):
    """Of one seed."""

    seed: int
    control: str
    report: Report
    faults: dict[str, int]
    fell: list[str]
    storm_s: float
    calm_s: float
    recovery_s: list[float]


class Campaign:
    """A seed, its stack and its flows."""

    def __init__(self, seed: int, size: Size, folder: Path, *, control: str = "") -> None:
        self.seed, self.size, self.folder, self.control = seed, size, folder, control
        self._rng = random.Random(seed)
        install_lab(folder / "lab")
        self._host: Host = load_plugins(only=PLUGINS.split(","), strict=True)
        open_ledger(folder / "ledger.db")
        self._stack = Stack(folder, control=control)
        self._database = Database.from_url(self._stack.urls.app_url.reveal(), pool_size=2, name="headrace-chaos")
        self._watch = Database.from_url(self._stack.urls.worker_url.reveal(), pool_size=2, name="headrace-chaos")
        self._actor, self._flow_id = Someone(uuid4()), uuid4()
        self.accepted: list[UUID] = []

    async def execute(self, say: Callable[[str], None]) -> Outcome:
        """Storm, calm, examination."""
        try:
            return await self._execute(say)
        finally:
            await self._database.close()
            await self._watch.close()
            self._stack.end()

    async def _execute(self, say: Callable[[str], None]) -> Outcome:
        await self._prepare()
        self._stack.start()
        faults = Faults(self._stack, random.Random(self.seed + 1), self._actor.organization_id, self.accepted,
                        self._watch)  # fmt: skip
        began = time.monotonic()
        tasks = [asyncio.create_task(self._submit()), asyncio.create_task(faults.serve())]
        try:
            while time.monotonic() < began + self.size.minutes * 60:
                await asyncio.sleep(0.5)
                if tasks[1].done():
                    tasks[1].result()
                left = await self._left()
                if tasks[0].done() and left is not None and left <= self.size.dags // 10:
                    break
        finally:
            tasks[1].cancel()
            await asyncio.gather(tasks[1], return_exceptions=True)
            await faults.stop()
        await tasks[0]
        storm_s = time.monotonic() - began
        say(f"  faults stop after {storm_s:.0f} s with {await self._left()} of {self.size.dags} executions open")
        calm_s = await self._calm()
        report = await examine(self._watch, self.accepted, self.folder / "ledger.db", bites=not self.control)
        fell = [f"{member.name} {text}" for member in self._stack.members for text in member.fell]
        return Outcome(
            seed=self.seed, control=self.control, report=report, faults=dict(Counter(faults.counts)), fell=fell,
            storm_s=round(storm_s, 1), calm_s=round(calm_s, 1), recovery_s=await recoveries(self._watch, faults.kills),
        )  # fmt: skip

    async def _prepare(self) -> None:
        ids = {"o": self._actor.organization_id, "w": uuid4(), "f": self._flow_id}
        async with self._database.transaction(ids["o"]) as session:
            for text in (
                "insert into organizations (id, name, slug) values (:o, 'One', :o)",
                "insert into workspaces (organization_id, id, name) values (:o, :w, 'W')",
                "insert into flows (organization_id, id, workspace_id, name) values (:o, :f, :w, 'F')",
            ):
                await session.execute(sa.text(text), ids)

    async def _submit(self) -> None:
        """Accept every flow; what was not answered is asked for again with the same key.

        A campaign bites once a late report was refused: until then, and as long as there is time, there are more flows.
        """
        pause, until = min(0.3, self.size.minutes * 20 / self.size.dags), time.monotonic() + self.size.minutes * 60
        for number in itertools.count():
            if number >= self.size.dags and (time.monotonic() > until or await self._bitten()):
                return
            graph = dag(self._rng, self.size.nodes, self.folder, forgetful=self.control == "ledger")
            doomed = self._rng.random() < 0.05
            execution_id = await self._patiently(
                lambda session, graph=graph, number=number: service.start(
                    session, self._actor, flow_id=self._flow_id, graph=graph, definition_hash="0" * 16,
                    host=self._host, idempotency_key=f"{self.seed}-{number}",
                )
            )  # fmt: skip
            self.accepted.append(execution_id)
            await asyncio.sleep(pause)
            if doomed:
                await self._patiently(
                    lambda session, one=execution_id: service.cancel(session, self._actor.organization_id, one)
                )

    async def _bitten(self) -> bool:
        with contextlib.suppress(HeadraceError):
            async with self._watch.transaction() as session:
                return bool(await session.scalar(_REFUSED))
        return False

    async def _patiently(self, what: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
        """In one transaction, again until the database has said that it is committed."""
        while True:
            try:
                async with self._database.transaction(self._actor.organization_id) as session:
                    done = await what(session)
            except TransientError:
                await asyncio.sleep(0.2)
            else:
                return done

    async def _left(self) -> int | None:
        try:
            async with self._watch.transaction() as session:
                return int(await session.scalar(_LEFT) or 0)
        except HeadraceError:
            return None

    async def _calm(self) -> float:
        """Seconds until everything has ended, or nothing has moved for `STILL_S`."""
        began = moved = time.monotonic()
        before = -1
        while time.monotonic() < moved + STILL_S and await self._left() != 0:
            self._stack.revive()
            progress = await self._progress()
            if progress != before:
                before, moved = progress, time.monotonic()
            await asyncio.sleep(0.2)
        return time.monotonic() - began

    async def _progress(self) -> int:
        with contextlib.suppress(HeadraceError):
            async with self._watch.transaction() as session:
                return int(await session.scalar(_PROGRESS) or 0)
        return 0
