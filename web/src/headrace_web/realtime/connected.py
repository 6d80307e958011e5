"""The row of one socket: who is connected, and to what. A database that is away never ends a socket."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import structlog
from headrace.accounts import sockets
from headrace.accounts.permissions import Actor
from headrace.infra.ids import new_id
from headrace.sdk.errors import HeadraceError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from headrace_web.services import Services

_log = structlog.get_logger("headrace.sockets")


class Connected:
    """What is known of a socket outside its process."""

    def __init__(self, services: Services, actor: Actor) -> None:
        self._services, self._actor = services, actor
        self._where: tuple[Any, Any] = (actor.organization_id, new_id())
        self._due = time.monotonic()

    async def begin(self) -> None:
        """It was accepted."""
        await self._write(lambda session: sockets.begin(session, *self._where, self._actor.user_id))

    async def beat(self, channels: Collection[str]) -> None:
        """It lives; written every 30 seconds at most."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + sockets.BEAT_S
            await self._write(lambda session: sockets.beat(session, *self._where, sorted(channels)))

    async def end(self) -> None:
        """It is gone."""
        await self._write(lambda session: sockets.end(session, *self._where))

    async def _write(self, act: Callable[[AsyncSession], Awaitable[None]]) -> None:
        try:
            async with self._services.database.transaction(self._actor.organization_id) as session:
                await act(session)
        except (HeadraceError, SQLAlchemyError, OSError) as error:
            _log.warning("a socket is not written down", reason=str(error))
