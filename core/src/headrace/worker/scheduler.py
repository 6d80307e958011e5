"""The scheduler process: relay, reconciler, ticker, mailer, sender. Any number of copies, none leads."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from headrace.connections.service import Vault
from headrace.entitlements.licence import given
from headrace.entitlements.service import use_host
from headrace.infra.bus import Bus
from headrace.infra.confine import close_to_others
from headrace.infra.database import Database
from headrace.infra.logs import configure_logs
from headrace.infra.outbox import Relay
from headrace.infra.queue import Ringer
from headrace.infra.roles import refuse_powerful
from headrace.infra.settings import Settings
from headrace.infra.store import Store
from headrace.plugins.follow import Follower
from headrace.plugins.manager import load_plugins
from headrace.sdk.errors import HeadraceError
from headrace.subscriptions.sender import Sender
from headrace.triggers.ticker import Ticker
from headrace.worker.chores import Chores
from headrace.worker.history import History
from headrace.worker.mailer import Mailer
from headrace.worker.maintenance import Maintenance
from headrace.worker.mover import Moves
from headrace.worker.reconciler import Reconciler
from headrace.worker.sources import Sources
from headrace.worker.timing import Timing

LOOK_S = 1.0
_log = structlog.get_logger("headrace.scheduler")


def main(settings: Settings, *, timing: Timing | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    close_to_others()
    configure_logs(settings, process="scheduler")
    refuse_powerful(settings)
    asyncio.run(serve(settings, timing or Timing()))


async def serve(settings: Settings, timing: Timing, *, stop: asyncio.Event | None = None) -> None:
    """Relay, reconcile and tick until `stop`, or a signal.

    Raises:
        HeadraceError: a part of it failed in a way that waiting does not mend.
    """
    url = (settings.database_worker_url or settings.database_url).reveal()
    database = Database.from_url(
        url, pool_size=6, name="headrace-scheduler", objects_url=settings.objects_url,
        servers=settings.database_servers,
    )  # fmt: skip
    bus, ringer = Bus.from_url(settings.redis_url.reveal()), Ringer(settings.redis_url.reveal())
    owner_url = settings.database_owner_url.reveal()
    owner = Database.from_url(owner_url, pool_size=1, name="headrace-history") if owner_url else None
    host, vault = load_plugins(), Vault(settings.key_ring())
    store = Store(settings.objects_url)
    use_host(host, licence=given(settings.license.reveal(), settings.home))
    if stop is None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def parts_of(place: Database) -> list[Coroutine[Any, Any, None]]:
        """What is done for each database: the shared one, and those that organizations have of their own."""
        history = History(owner.at(place), place) if owner else None
        sources = Sources(
            place, host, vault, store, lease_s=timing.lease_s, poll_s=timing.tick_s, secrets_file=settings.secrets_file
        )
        return [
            Relay(place, place.url, ringer).serve(),
            Reconciler(place, bus, timing).serve(),
            Ticker(place, place.url, host, poll_s=timing.tick_s).serve(),
            Mailer(place, settings).serve(),
            Sender(place, place.url, vault).serve(),
            sources.serve(),
            Maintenance(place, store, history=history).serve(),
            Chores(place, host).serve(),
        ]

    parts = [asyncio.create_task(part) for part in parts_of(database)]
    parts.append(asyncio.create_task(Follower(database, url, host).serve()))
    parts.append(asyncio.create_task(_elsewhere(database, parts_of)))
    if owner is not None:
        moves = Moves(database, owner_url, host.registry.migrations.values(), settings.database_servers)
        parts.append(asyncio.create_task(moves.serve()))
    _log.info("scheduler ready")
    try:
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([stopped, *parts], return_when=asyncio.FIRST_COMPLETED)
        for part in done - {stopped}:
            part.result()
    finally:
        stopped.cancel()
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        ringer.close()
        await bus.close()
        await database.close()
        if owner is not None:
            await owner.close()
    _log.info("scheduler stopped")


async def _elsewhere(database: Database, parts_of: Callable[[Database], list[Coroutine[Any, Any, None]]]) -> None:
    """Serve each database that an organization has of its own as long as it has; a failing one is begun again."""
    served: dict[str, asyncio.Future[Any]] = {}
    try:
        while True:
            with contextlib.suppress(HeadraceError):
                there = {one.place: one for one in await database.everywhere() if one.place}
                for place in served.keys() - there.keys():
                    served.pop(place).cancel()
                for place, one in there.items():
                    if place in served and served[place].done():
                        _log.error("parts of a database ended", place=place, reason=str(served[place].exception()))
                    if place not in served or served[place].done():
                        served[place] = asyncio.gather(*parts_of(one))
                        _log.info("database served", place=place)
            await asyncio.sleep(LOOK_S)
    finally:
        for future in served.values():
            future.cancel()
        await asyncio.gather(*served.values(), return_exceptions=True)
