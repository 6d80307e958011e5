"""The reconciler: takes back what lost workers held, rings again, ends what is overdue. Any number of copies."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import structlog

from headrace.engine.messages import Problem
from headrace.executions import admission, service, settle
from headrace.executions import family_statements as families
from headrace.executions import statements as sql
from headrace.executions.leases import Lease
from headrace.executions.live import publish
from headrace.infra.bus import Bus
from headrace.infra.database import Database
from headrace.sdk.errors import TransientError
from headrace.worker import membership
from headrace.worker.timing import Timing

FORGET_S = 60.0
_log = structlog.get_logger("headrace.reconciler")


class Reconciler:
    """Repairs what crashes and losses leave behind; the database's clock decides."""

    def __init__(self, database: Database, bus: Bus, timing: Timing) -> None:
        self._database = database
        self._bus = bus
        self._timing = timing
        self._forget_at = 0.0

    async def serve(self) -> None:
        """Reconcile until cancelled."""
        while True:
            try:
                await self.step()
            except TransientError as error:
                _log.warning("reconciler waits", reason=error.message, detail=error.detail)
            await asyncio.sleep(self._timing.reap_s)

    async def step(self) -> None:
        """Look what there is to mend, and do that."""
        async with self._database.transaction() as session:
            seen = (await session.execute(sql.LOOK, {"every_s": self._timing.ring_again_s})).one()
        if seen.expired:
            await self.reap()
        if seen.overdue:
            await self.end_overdue()
        if seen.unrung:
            await self.ring_again()
        if seen.families:
            await self.mend_families()
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_S
            await membership.forget_dead(self._database)

    async def reap(self) -> int:
        """Take back segments whose lease is over. Returns how many."""
        async with self._database.transaction() as session:
            rows = (await session.execute(sql.EXPIRED)).all()
        taken = 0
        for row in await self._database.served(rows, lambda row: row.organization_id):
            lease = Lease(
                organization_id=row.organization_id,
                execution_id=row.execution_id,
                segment_no=row.segment_no,
                fence=row.fence,
            )
            async with self._database.transaction(row.organization_id) as session:
                reason = "its worker was gone"
                settled = await settle.crash(session, lease, reason=reason, outcome="lease_expired")
            if settled.held:
                taken += 1
                _log.warning("lease expired", execution=str(row.execution_id), segment=row.segment_no)
                await publish(self._bus, row.organization_id, row.execution_id, settled.events)
        return taken

    async def mend_families(self) -> None:
        """Wake parents that were forgotten, let held executions in, end children that nobody waits for any more."""
        async with self._database.transaction() as session:
            forgotten = (await session.execute(families.FORGOTTEN)).mappings().all()
            holding = (await session.scalars(families.HOLDING)).all()
            orphans = (await session.execute(families.ORPHANS)).all()
        for row in await self._database.served(forgotten, lambda row: row["organization_id"]):
            async with self._database.transaction(row["organization_id"]) as session:
                await session.execute(families.WAKE, dict(row))
        for organization_id in await self._database.served(holding, lambda one: one):
            await self._admit(organization_id)
        for orphan in await self._database.served(orphans, lambda row: row.organization_id):
            async with self._database.transaction(orphan.organization_id) as session:
                await service.cancel(session, orphan.organization_id, orphan.id)

    async def _admit(self, organization_id: UUID) -> None:
        """Let held executions of an organization in where slots are free; they show themselves only to it."""
        async with self._database.transaction(organization_id) as session:
            held = (await session.execute(families.HELD_KEYS, {"organization_id": organization_id})).mappings().all()
        for row in held:
            async with self._database.transaction(organization_id) as session:
                await admission.let_in(session, organization_id, row["key"])

    async def end_overdue(self) -> int:
        """Begin to end executions that are past their deadline. Returns how many."""
        async with self._database.transaction() as session:
            rows = (await session.execute(sql.OVERDUE)).all()
        problem = Problem(
            code="TIMED_OUT", message="the execution took longer than its deadline and was stopped",
            hint="raise 'deadline_s' in the flow's settings, or look for the slow step",
        )  # fmt: skip
        for row in await self._database.served(rows, lambda row: row.organization_id):
            key = {"organization_id": row.organization_id, "execution_id": row.id}
            async with self._database.transaction(row.organization_id) as session:
                locked = (await session.execute(sql.LOCK, key)).one_or_none()
                if locked is None or locked.closing or locked.status not in {"queued", "running", "waiting"}:
                    continue
                dropped = await settle.begin_closing(session, key, closing="timed_out", problem=problem)
                await settle.pass_segments(session, key, ended=dropped)
        return len(rows)

    async def ring_again(self) -> None:
        """Put doorbells of segments that nobody took into the outbox once more."""
        async with self._database.transaction() as session:
            await session.execute(sql.RING_AGAIN, {"every_s": self._timing.ring_again_s})
