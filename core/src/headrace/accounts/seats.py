"""Who may still join: asked before somebody becomes a member or is invited. Entitlements, a floor above, answers."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession


class Seats(Protocol):
    """Raises LimitReached when there is no seat; others who ask wait for the end of the transaction."""

    async def __call__(self, session: AsyncSession, organization_id: UUID, *, invited: bool) -> None:
        """Ask for one."""


asked: list[Seats] = []


async def take(session: AsyncSession, organization_id: UUID, *, invited: bool = False) -> None:
    """Go on only when one more person fits.

    Raises:
        LimitReached: the plan's users are used up.
        RuntimeError: nobody answers; that must not let everybody in.
    """
    if not asked:
        raise RuntimeError("nobody tells how many users there may be; import headrace.entitlements.service")
    for ask in asked:
        await ask(session, organization_id, invited=invited)
