"""Limits of one workspace and of one person, `flows_per_workspace` and the like, and soft ones that only warn.

They are data as every limit is: of a plan, or an override of an organization. `flows_soft` warns beyond so many flows.
"""

from __future__ import annotations

from contextvars import ContextVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.sdk.errors import NotFound

_OF = {
    ("flows", "workspace"): sa.text("""
SELECT count(*) FROM flows
WHERE organization_id = :organization_id AND workspace_id = :whose AND deleted_at IS NULL"""),
    ("flows", "user"): sa.text("""
SELECT count(*) FROM flows
WHERE organization_id = :organization_id AND created_by = :whose AND deleted_at IS NULL"""),
    ("connections", "workspace"): sa.text("""
SELECT count(*) FROM connections
WHERE organization_id = :organization_id AND workspace_id = :whose AND deleted_at IS NULL"""),
    ("connections", "user"): sa.text("""
SELECT count(*) FROM connections
WHERE organization_id = :organization_id AND created_by = :whose AND deleted_at IS NULL"""),
    ("workspaces", "user"): sa.text("""
SELECT count(*) FROM workspaces
WHERE organization_id = :organization_id AND created_by = :whose AND deleted_at IS NULL"""),
}  # fmt: skip
SOFT = "_soft"
KEYS = frozenset(f"{key}_per_{whose}" for key, whose in _OF)
_warnings: ContextVar[list[str] | None] = ContextVar("warnings", default=None)


def collect() -> list[str]:
    """What is warned of from now on in this request is in here."""
    found: list[str] = []
    _warnings.set(found)
    return found


def warn(key: str, used: int, soft: int) -> None:
    """Say that a soft limit is passed."""
    found = _warnings.get()
    if found is not None:
        found.append(sentence(key, used, soft))


def sentence(key: str, used: int, soft: int) -> str:
    """The warning; empty while the soft limit is kept, or is none."""
    if soft < 0 or used <= soft:
        return ""
    return f"{used} {key.replace('_', ' ')} are used, {soft} are meant to be; delete some or upgrade the plan"


async def used(session: AsyncSession, key: str, whose: str, organization_id: UUID, id_: UUID) -> int:
    """How much of a kind a workspace or a person has now.

    Raises:
        NotFound: nothing counts such a thing.
    """
    if (key, whose) not in _OF:
        raise NotFound(f"nothing counts {key} of one {whose}; there are {', '.join(sorted(KEYS))}", resource="limit")
    found = await session.scalar(_OF[key, whose], {"organization_id": organization_id, "whose": id_})
    return int(found or 0)
