"""The relay: rows of the outbox become doorbells, then go. Any number of copies; a crash in between rings twice."""

from __future__ import annotations

import asyncio
import contextlib

import sqlalchemy as sa
import structlog

from headrace.infra.database import Database
from headrace.infra.notify import listen
from headrace.infra.queue import Bell, Ringer
from headrace.sdk.errors import TransientError

CHANNEL = "headrace_outbox"
BATCH = 200

_TAKE = sa.text("""
SELECT organization_id, id, execution_id, segment_no, queue FROM outbox
ORDER BY id FOR UPDATE SKIP LOCKED LIMIT :limit
""")
_DELETE = sa.text("DELETE FROM outbox WHERE id = ANY(CAST(:ids AS bigint[]))")

_log = structlog.get_logger("headrace.relay")


class Relay:
    """Sends what the outbox holds; woken by a notification, and by itself every `poll_s`."""

    def __init__(self, database: Database, database_url: str, ringer: Ringer, *, poll_s: float = 0.5) -> None:
        self._database = database
        self._url = database_url
        self._ringer = ringer
        self._poll_s = poll_s
        self._wake = asyncio.Event()
        self._away = False

    async def serve(self) -> None:
        """Relay until cancelled."""
        listener = asyncio.create_task(listen(self._url, (CHANNEL,), lambda *_: self._wake.set()))
        try:
            while True:
                self._wake.clear()
                if await self._relay_all():
                    await self._rest()
        finally:
            listener.cancel()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):  # wait_for of Python 3.11 may swallow a cancel
                await self._wake.wait()

    async def _relay_all(self) -> bool:
        try:
            while await self.relay() == BATCH:
                continue
        except TransientError as error:
            if not self._away:
                _log.warning("relay waits", reason=error.message, detail=error.detail)
            self._away = True
            await asyncio.sleep(self._poll_s)
            return False
        if self._away:
            _log.info("relay goes on")
            self._away = False
        return True

    async def relay(self) -> int:
        """Send one batch and delete it. Returns how many there were.

        Raises:
            TransientError: Redis or the database is away; the rows stay.
        """
        async with self._database.transaction() as session:
            rows = (await session.execute(_TAKE, {"limit": BATCH})).all()
            if rows:
                bells = [Bell(row.organization_id, row.execution_id, row.segment_no, row.queue) for row in rows]
                await asyncio.to_thread(self._ringer.ring, bells)
                await session.execute(_DELETE, {"ids": [row.id for row in rows]})
        return len(rows)
