"""Follow what admins switch: each process hears of it, and looks by itself every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import sqlalchemy as sa
import structlog

from headrace.infra.clock import now
from headrace.infra.database import Database
from headrace.infra.notify import listen
from headrace.infra.states import SWITCHED, disabled_plugins
from headrace.plugins.manager import Host
from headrace.sdk.errors import HeadraceError

LOOK_S = 2.0
_CLOCK = sa.text("""
INSERT INTO instance_state AS i (key, value) VALUES ('clock', to_jsonb(CAST(:at AS text)))
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()
WHERE CAST(i.value #>> '{}' AS timestamptz) < CAST(:at AS timestamptz) - interval '1 hour'
""")
"""The latest time that was seen: a clock that is set back makes no licence valid again."""
_log = structlog.get_logger("headrace.plugins")


class Follower:
    """Switches plugins of this process as the database says.

    Args:
        database: Of the process.
        url: Where notifications are heard.
        host: The plugins.
        look_s: Between looks when nothing is heard.
        heard: Called with what was switched, once it is so here; empty when something may have been missed.
    """

    def __init__(
        self, database: Database, url: str, host: Host, *, look_s: float = LOOK_S,
        heard: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        self._database, self._url, self._host, self._look_s = database, url, host, look_s
        self._wake = asyncio.Event()
        self._heard, self._told = heard, set[str]()

    async def serve(self) -> None:
        """Follow until cancelled."""
        listener = asyncio.create_task(listen(self._url, (SWITCHED,), self._hear))
        try:
            while True:
                self._wake.clear()
                told, self._told = self._told, set()
                await self.look()
                if self._heard is not None:
                    for what in sorted(told):
                        self._heard(what)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._look_s):
                        await self._wake.wait()
        finally:
            listener.cancel()

    def _hear(self, _channel: str, what: str) -> None:
        self._told.add(what)
        self._wake.set()

    async def look(self) -> None:
        """Look once; a database that is away changes nothing."""
        try:
            async with self._database.transaction() as session:
                disabled = await disabled_plugins(session)
                await session.execute(_CLOCK, {"at": now().isoformat()})
        except HeadraceError as error:
            _log.warning("switches wait", reason=error.message)
            return
        if self._host.switch(disabled):
            _log.info("plugins switched", disabled=sorted(disabled), plugin_set=self._host.plugin_set_hash)
