"""What of accounts is part of an edition: asked before it is made. Entitlements, a floor above, answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

Ask: TypeAlias = Callable[[AsyncSession, str], Awaitable[None]]
"""Raises FeatureOff when the transaction's organization has not got the feature."""
CUSTOM_ROLES = "custom_roles"

asked: list[Ask] = []


async def require(session: AsyncSession, feature: str) -> None:
    """Go on only with this feature.

    Raises:
        FeatureOff: the edition has not got it.
        RuntimeError: nobody answers; that must not open it to everybody.
    """
    if not asked:
        raise RuntimeError("nobody tells which features there are; import headrace.entitlements.service")
    for ask in asked:
        await ask(session, feature)
