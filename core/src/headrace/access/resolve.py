"""May somebody do this with that? The only place that decides about single objects.

Five layers, the first that allows wins: owner; a grant to the user on the object; one to a group of theirs; a grant on
what the object lies in (its workspace, a folder above, a job that has it as member); the role in the organization. As
grants only ever add, the role is asked first: it costs no query. A grant reaches a flow through a job that it is on,
or through that job's package; a grant on a folder does not reach flows elsewhere through the jobs in it.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access import statements as sql
from headrace.access.levels import GRANTABLE, LEVELS, levels_with, roles_with
from headrace.accounts.permissions import EVERY, PERMISSIONS, Actor
from headrace.sdk.errors import Denied, NotFound

Kind = Literal["workspace", "folder", "job", "job_package", "flow", "connection"]
Reach: TypeAlias = dict[str, Any]
LAYERS = {1: "owner", 2: "user", 3: "group", 4: "inherited", 5: "role"}

_STORED = {"job": "flow", "job_package": "flow"}
_READ = {"trigger": "flow:read", "backfill": "flow:read", "job_package": "job:read", "wait": "execution:read"}
"""What it takes to know of an object; `kind:read` for the others."""
PATHS: dict[str, str] = {
    "workspace_id": "workspace", "folder_id": "folder", "job_id": "job", "package_id": "job_package",
    "flow_id": "flow", "connection_id": "connection", "execution_id": "execution", "other_id": "execution",
    "trigger_id": "trigger", "schedule_id": "trigger", "webhook_id": "trigger", "backfill_id": "backfill",
    "wait_id": "wait",
}  # fmt: skip
"""What the parameters of addresses name."""


class Answer(Struct, frozen=True, kw_only=True):
    """Whether somebody may, and by what.

    Attributes:
        layer: owner, user, group, inherited or role; None when nothing allows it.
        reason: The sentence that names it.
    """

    allowed: bool
    layer: str | None = None
    reason: str = ""


def reached(actor: Actor, permission: str, kind: str, column: Any) -> sa.ColumnElement[bool]:
    """The condition for a list: rows whose `column` is the id of an object that the actor may do this with."""
    within = reach_of(actor, permission)
    if within is None:
        return sa.true()
    found: sa.ColumnElement[bool] = column.in_(sql.REACHED[_STORED.get(kind, kind)].bindparams(**within))
    return found.is_(sa.true())  # asked of a hash once a row; as a join it goes by estimates, which lag behind


def reach_of(actor: Actor, permission: str) -> Reach | None:
    """Parameters of that condition, for statements that have `statements.FLOWS` in their text; None: everything."""
    if actor.may(permission):
        return None
    return _values(actor, permission if grantable(actor, permission) else "")


async def may(session: AsyncSession, actor: Actor, permission: str, kind: str, object_id: UUID) -> bool:
    """Whether the actor may do this with the object."""
    if actor.may(permission):
        return True
    if not grantable(actor, permission):
        return False
    stored, object_id_ = await _stored(session, actor, kind, object_id)
    if object_id_ is None:
        return False
    values = _values(actor, permission)
    return bool(await session.scalar(sql.MAY[stored], {**values, "object_id": object_id_}))


async def require_anywhere(session: AsyncSession, actor: Actor, permission: str) -> None:
    """Go on only when the actor may do this with something: by role, or by any grant.

    Raises:
        Denied: naming the permission.
    """
    held = grantable(actor, permission) and await session.scalar(sql.ANYWHERE, _values(actor, permission))
    if not held:
        actor.require(permission)


async def reach(session: AsyncSession, actor: Actor, permission: str, kind: str, object_id: UUID) -> None:
    """Go on only when the actor may do this with the object.

    Raises:
        NotFound: there is none, or they may not know of it.
        Denied: naming the permission; they may read the object, or none of the kind can be read through a grant.
    """
    if permission not in EVERY:
        raise ValueError(f"there is no permission {permission!r}")
    if await may(session, actor, permission, kind, object_id):
        return
    read = _READ.get(kind, f"{kind}:read")
    if not grantable(actor, permission) or await may(session, actor, read, kind, object_id):
        actor.require_scope(permission)
        raise _denied(actor, permission, kind)
    what = kind.replace("_", " ")
    raise NotFound(f"there is no such {what}", resource=kind)


async def rights_on(session: AsyncSession, actor: Actor, kind: str, object_id: UUID) -> frozenset[str]:
    """Everything that the actor may do with an object."""
    stored, object_id_ = await _stored(session, actor, kind, object_id)
    held = actor.permissions
    if actor.user_id is None or object_id_ is None:
        return held
    values = {**_values(actor, None), "object_id": object_id_}
    for row in await session.execute(sql.RIGHTS[stored], values):
        held |= given_by(row.level, row.role, row.permissions)
    return held if actor.scopes is None else held & actor.scopes


def given_by(level: str | None, role: str | None, permissions: list[str] | None) -> frozenset[str]:
    """What a grant gives: its level, our role of that name, or the permissions of the organization's own."""
    if level is not None:
        return LEVELS[level]
    return frozenset(permissions if permissions is not None else PERMISSIONS.get(role or "", ())) & GRANTABLE


async def explain(
    session: AsyncSession, actor: Actor, permission: str, kind: Kind, object_id: UUID, *, known: bool = False
) -> Answer:
    """Why somebody may do this with the object, or that nothing allows it; is it `known` to who asks?"""
    name = await session.scalar(sql.LIVE[kind], {"organization_id": actor.organization_id, "object_id": object_id})
    what = kind.replace("_", " ")
    if name is None:
        return Answer(allowed=False, reason=f"there is no such {what}, or nothing gives '{permission}' on it")
    if actor.role == "owner" and actor.may(permission):
        return Answer(allowed=True, layer=LAYERS[1], reason="an owner may do everything in the organization")
    role = actor.role_name or actor.role
    row = None
    if grantable(actor, permission):
        values = {**_values(actor, permission), "object_id": object_id}
        row = (await session.execute(sql.WHY[_STORED.get(kind, kind)], values)).one_or_none()
    if row is not None:
        return Answer(allowed=True, layer=LAYERS[row.layer], reason=_told(row, what))
    if actor.may(permission):
        return Answer(allowed=True, layer=LAYERS[5], reason=f"the role '{role}' includes '{permission}'")
    if known:
        return Answer(
            allowed=False, reason=f"neither the role '{role}' nor a grant gives '{permission}' on this {what}"
        )
    return Answer(allowed=False, reason=f"there is no such {what}, or nothing gives '{permission}' on it")


def grantable(actor: Actor, permission: str) -> bool:
    """Whether a grant could give this to the actor: a key has it only when it names it."""
    return (
        actor.user_id is not None and permission in GRANTABLE and (actor.scopes is None or permission in actor.scopes)
    )


def _told(row: Any, what: str) -> str:
    given = f"level '{row.level}'" if row.level else f"role '{row.role}'"
    to = f"the group '{row.group_name}'" if row.group_name else "this user"
    on = f"the {what}" if row.layer < 4 else f"a {row.object_type.replace('_', ' ')} that has it"
    until = f" until {row.expires_at.isoformat()}" if row.expires_at else ""
    return f"grant {row.id} gives {to} the {given} on {on}{until}"


def _denied(actor: Actor, permission: str, kind: str) -> Denied:
    name = actor.role_name or actor.role
    return Denied(
        f"your role '{name}' does not include '{permission}', and no grant gives it to you on this"
        f" {kind.replace('_', ' ')}; ask an admin of the organization for it",
        permission=permission,
        role=name,
    )


async def _stored(session: AsyncSession, actor: Actor, kind: str, object_id: UUID) -> tuple[str, UUID | None]:
    """What grants are about: things of a flow stand for their flow."""
    if kind not in sql.FLOW_OF:
        return _STORED.get(kind, kind), object_id
    which = {"organization_id": actor.organization_id, "object_id": object_id}
    found: UUID | None = await session.scalar(sql.FLOW_OF[kind], which)
    return "flow", found


def _values(actor: Actor, permission: str | None) -> dict[str, Any]:
    return {
        "organization_id": actor.organization_id, "person": actor.user_id, "permission": permission,
        "levels": levels_with(permission) if permission else [], "roles": roles_with(permission) if permission else [],
    }  # fmt: skip
