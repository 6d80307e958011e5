"""What plugins want done now and then for every organization. Any number of schedulers: a chore may be repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from uuid import UUID

import sqlalchemy as sa
import structlog

from headrace.infra.database import Database
from headrace.plugins.manager import Host
from headrace.sdk.manifests import Chore

LOOK_S = 5.0
"""Between looks at what is due."""

_PLATFORM = sa.text("SELECT set_config('app.platform', 'on', true)")
_ORGANIZATIONS = sa.text("SELECT id FROM organizations ORDER BY id")
_log = structlog.get_logger("headrace.chores")


class Chores:
    """Does what is due; a chore that fails for one organization is told, and done for the others.

    Args:
        database: Of the worker role.
        host: Its plugins; those switched off do nothing.
    """

    def __init__(self, database: Database, host: Host) -> None:
        self._database, self._host = database, host
        self._done: dict[str, float] = {}

    async def serve(self) -> None:
        """Work until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(LOOK_S)

    async def round(self) -> list[str]:
        """Do what is due; returns its ids."""
        chores: Mapping[str, Chore] = dict(self._host.registry.chores)
        due = [one for one in chores.values() if monotonic() >= self._done.get(one.id, 0.0) + one.every_s]
        if not due:
            return []
        for organization_id in await self._organizations():
            for chore in due:
                await self._do(chore, organization_id)
        for chore in due:
            self._done[chore.id] = monotonic()
        return [chore.id for chore in due]

    async def _do(self, chore: Chore, organization_id: UUID) -> None:
        try:
            async with self._database.transaction(organization_id) as session:
                await chore.function.load()(session, organization_id)
        except Exception as error:  # a plugin's own, whatever it is, must not stop the scheduler
            _log.warning("chore waits", chore=chore.id, organization=str(organization_id), reason=str(error))

    async def _organizations(self) -> list[UUID]:
        try:
            async with self._database.transaction() as session:
                await session.execute(_PLATFORM)
                return list((await session.scalars(_ORGANIZATIONS)).all())
        except Exception as error:
            _log.warning("chores wait", reason=str(error))
            return []
