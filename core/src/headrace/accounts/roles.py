"""Roles that an organization makes of `resource:action`, beside ours; nobody makes one with more than they have."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import features
from headrace.accounts.models import Role
from headrace.accounts.permissions import PERMISSIONS, Actor, permissions_named
from headrace.accounts.rights import EVERYWHERE, require_all
from headrace.accounts.service import check_version, clean_name
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Conflict, NotFound

_IN_USE = sa.text("""
SELECT (SELECT count(*) FROM memberships WHERE organization_id = :organization_id AND role_id = :id)
  + (SELECT count(*) FROM invitations WHERE organization_id = :organization_id AND role_id = :id
     AND accepted_at IS NULL AND revoked_at IS NULL)
  + (SELECT count(*) FROM grants WHERE organization_id = :organization_id AND role_id = :id)
""")
_CLOSED = sa.text("""
DELETE FROM invitations WHERE organization_id = :organization_id AND role_id = :id
  AND (accepted_at IS NOT NULL OR revoked_at IS NOT NULL)
""")


async def create(
    session: AsyncSession, actor: Actor, *, name: str, permissions: Collection[str], description: str = ""
) -> Role:
    """Make a role.

    Raises:
        ConfigError: a permission is not known.
        Denied: the actor lacks one of them.
        Conflict: the name is taken.
        FeatureOff: the edition has only our roles.
    """
    actor.require("organization:manage_members")
    await features.require(session, features.CUSTOM_ROLES)
    name = clean_name(name, "role")
    await _free_name(session, actor, name)
    row = Role(
        organization_id=actor.organization_id, id=new_id(), name=name, description=description,
        permissions=_checked(actor, permissions), created_by=actor.user_id,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


async def get(session: AsyncSession, actor: Actor, role_id: UUID, *, lock: bool = False) -> Role:
    """A role of the organization.

    Raises:
        NotFound: there is none.
    """
    row = await session.get(Role, (actor.organization_id, role_id), with_for_update=lock, populate_existing=lock)
    if row is None:
        raise NotFound("there is no such role", resource="role")
    return row


async def list_(session: AsyncSession, actor: Actor) -> Sequence[Role]:
    """Roles of the organization by name, without ours."""
    query = sa.select(Role).where(Role.organization_id == actor.organization_id)
    return (await session.scalars(query.order_by(sa.func.lower(Role.name), Role.id))).all()


async def update(
    session: AsyncSession, actor: Actor, role_id: UUID, changes: dict[str, Any], *, row_version: int
) -> Role:
    """Change a role; whoever has it has the new rights at once.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        Denied: the actor lacks a right that it has, or is to have.
        FeatureOff: the edition has only our roles; whoever has this one keeps it.
    """
    actor.require("organization:manage_members")
    await features.require(session, features.CUSTOM_ROLES)
    row = await get(session, actor, role_id, lock=True)
    check_version(row.row_version, row_version)
    require_all(actor, frozenset(row.permissions), f"the role '{row.name}'")
    if "name" in changes:
        name = clean_name(changes["name"], "role")
        await _free_name(session, actor, name, but=role_id)
        row.name = name
    if "permissions" in changes:
        row.permissions = _checked(actor, changes["permissions"])
    row.description = changes.get("description", row.description)
    await session.flush()
    return row


async def delete(session: AsyncSession, actor: Actor, role_id: UUID) -> None:
    """Remove a role that nobody has.

    Raises:
        Conflict: somebody has it, is invited with it, or is granted it.
        Denied: it has more rights than the actor.
    """
    actor.require("organization:manage_members")
    row = await get(session, actor, role_id, lock=True)
    require_all(actor, frozenset(row.permissions), f"the role '{row.name}'")
    which = {"organization_id": actor.organization_id, "id": role_id}
    if await session.scalar(_IN_USE, which):
        raise Conflict(f"the role '{row.name}' is in use; give its members, invitations and grants another one first")
    await session.execute(_CLOSED, which)
    await session.delete(row)
    await session.flush()


def _checked(actor: Actor, permissions: Collection[str]) -> list[str]:
    named = frozenset(one for name in permissions for one in permissions_named(name))
    unknown = named - EVERYWHERE
    if unknown:
        raise ConfigError(f"there is no permission '{min(unknown)}' of an organization", field="permissions")
    require_all(actor, named, "this role")
    return sorted(named)


async def _free_name(session: AsyncSession, actor: Actor, name: str, *, but: UUID | None = None) -> None:
    same = (Role.organization_id == actor.organization_id, sa.func.lower(Role.name) == name.lower())
    taken = await session.scalar(sa.select(Role.id).where(*same))
    if name.lower() in PERMISSIONS or taken not in {None, but}:
        raise Conflict(f"there is a role '{name}' already; choose another name", field="name")
