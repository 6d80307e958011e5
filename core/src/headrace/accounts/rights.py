"""What a role allows: one of ours, by its name, or one that the organization has made, by its id."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.models import Role
from headrace.accounts.permissions import PERMISSIONS, ROLES, Actor
from headrace.sdk.errors import ConfigError, Denied

EVERYWHERE = PERMISSIONS["owner"]
"""What a role may hold; a right of the platform never is of an organization."""


class Rights(Struct, frozen=True):
    """A role as it counts now."""

    name: str
    permissions: frozenset[str]


async def rights_of(session: AsyncSession, organization_id: UUID, role: str) -> Rights:
    """What a role of this organization allows now; our own roles ask no database.

    Raises:
        ConfigError: no such role.
    """
    if role in PERMISSIONS:
        return Rights(role, PERMISSIONS[role])
    try:
        row = await session.get(Role, (organization_id, UUID(role)), populate_existing=True)
    except ValueError:
        row = None
    if row is None:
        raise ConfigError(
            f"there is no role '{role}'; choose one of {', '.join(ROLES)}, or the id of one of your own", field="role"
        )
    return Rights(row.name, frozenset(row.permissions) & EVERYWHERE)


async def require_role(session: AsyncSession, actor: Actor, role: str) -> Rights:
    """Go on only when the actor has every right of this role: nobody gives, or takes away, more than they have.

    Raises:
        ConfigError: no such role.
        Denied: it has more rights.
    """
    rights = await rights_of(session, actor.organization_id, role)
    require_all(actor, rights.permissions, f"the role '{rights.name}'")
    return rights


def require_all(actor: Actor, permissions: frozenset[str], what: str) -> None:
    """Go on only when the actor has all of these in the whole organization.

    Raises:
        Denied: naming the first that is missing.
    """
    more = permissions - actor.permissions
    if more:
        raise Denied(
            f"{what} has more rights than you have, e.g. '{min(more)}'; ask somebody who has them", permission=min(more)
        )
