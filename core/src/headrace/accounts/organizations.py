"""Organizations of a person: choose among them, make one, change one, close one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import recovery, service
from headrace.accounts.models import Membership, Organization
from headrace.accounts.permissions import Actor
from headrace.infra.database import set_tenant
from headrace.sdk.errors import ConfigError, Denied, NotFound

EDITABLE = frozenset({"name", "domain", "billing_email", "settings"})


async def list_mine(session: AsyncSession, user_id: UUID) -> list[tuple[Organization, Membership]]:
    """Where the user is an active member, by name. Use a transaction of the user, without organization."""
    query = (
        sa.select(Organization, Membership)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user_id, Membership.is_active, Organization.status == "active")
        .order_by(sa.func.lower(Organization.name), Organization.id)
    )
    return [(organization, membership) for organization, membership in await session.execute(query)]


async def create(session: AsyncSession, actor: Actor, *, name: str) -> Organization:
    """Make an organization of which the actor is the owner; the transaction stays of the present one.

    Raises:
        Denied: only platform admins may, unless registration is open.
    """
    if actor.user_id is None or not (actor.is_platform_admin or await recovery.registration(session) == "open"):
        raise Denied("only a platform admin makes organizations here, as registration is closed; ask one")
    organization = await service.create_organization(session, name=name)
    await service.add_member(session, organization.id, actor.user_id, "owner")
    await set_tenant(session, actor.organization_id, user_id=actor.user_id)
    return organization


async def get(session: AsyncSession, actor: Actor, organization_id: UUID, *, lock: bool = False) -> Organization:
    """The organization that the actor works in.

    Raises:
        NotFound: it is another one; switch to it first.
    """
    row = None
    if organization_id == actor.organization_id:
        row = await session.get(Organization, organization_id, with_for_update=lock, populate_existing=lock)
    if row is None:
        raise NotFound("there is no such organization, or you work in another one", resource="organization")
    return row


async def update(
    session: AsyncSession, actor: Actor, organization_id: UUID, changes: dict[str, Any], *, row_version: int
) -> Organization:
    """Change what is given.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        ConfigError: a name or an address that does not do.
    """
    row = await get(session, actor, organization_id)
    actor.require("organization:update")
    service.check_version(row.row_version, row_version)
    for name, value in changes.items():
        if name not in EDITABLE:
            raise ConfigError(f"'{name}' of an organization cannot be changed", field=name)
        setattr(row, name, _checked(name, value))
    await session.flush()
    return row


async def close(session: AsyncSession, actor: Actor, organization_id: UUID) -> None:
    """Let nobody in any more: every sign-in and key ends with the commit.

    What is in it has to be deleted before (`workspaces.delete_all`), so that nothing goes on by itself.
    """
    row = await get(session, actor, organization_id, lock=True)
    actor.require("organization:delete")
    row.status = "closed"
    await session.flush()


def _checked(name: str, value: Any) -> Any:
    if name == "name":
        return service.clean_name(value, "organization")
    if name == "billing_email" and value is not None:
        return service.check_email(value)
    return value
