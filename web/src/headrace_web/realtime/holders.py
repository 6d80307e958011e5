"""Whose sockets are open: their sign-ins are looked at together, so that a thousand sockets ask once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from headrace.accounts import sign_in
from headrace.accounts.permissions import Actor
from headrace.infra.database import Database
from headrace.sdk.errors import Unauthenticated
from msgspec import Struct

from headrace_web.realtime.protocol import RECHECK_S


class Holder(Struct, frozen=True):
    """Whose sign-in a ticket stands for."""

    organization_id: UUID
    session_id: UUID


class Holders:
    """Those of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[UUID, dict[UUID, list[asyncio.Future[Actor]]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def actor(self, holder: Holder) -> Actor:
        """Who it is now.

        Raises:
            Unauthenticated: the sign-in has ended.
        """
        async with self._database.transaction() as session:
            return await sign_in.actor_by_session(session, holder.organization_id, holder.session_id)

    async def recheck(self, holder: Holder) -> Actor:
        """Who it is by the next look, which is in `RECHECK_S`.

        Raises:
            Unauthenticated: the sign-in has ended.
            HeadraceError: nobody can tell at present.
        """
        future: asyncio.Future[Actor] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(holder.organization_id, {}).setdefault(holder.session_id, []).append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        return await future

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(RECHECK_S)
            waiting, self._waiting = self._waiting, {}
            for organization_id, of_it in waiting.items():
                found = await self._found(organization_id, of_it)
                for session_id, futures in of_it.items():
                    for future in futures:
                        _tell(future, found if isinstance(found, Exception) else found.get(session_id))

    async def _found(self, organization_id: UUID, wanted: Mapping[UUID, Any]) -> dict[UUID, Actor] | Exception:
        try:
            async with self._database.transaction() as session:
                return await sign_in.actors_by_sessions(session, organization_id, wanted)
        except Exception as error:
            return error


def _tell(future: asyncio.Future[Actor], found: Actor | Exception | None) -> None:
    if future.done():  # its socket is gone
        return
    if isinstance(found, Actor):
        future.set_result(found)
    else:
        future.set_exception(found or Unauthenticated("you are signed out; sign in again"))
