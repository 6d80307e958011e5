"""Give an organization a database of its own, or take it back into the shared one. The scheduler does the work."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.models import Organization
from headrace.accounts.permissions import Actor
from headrace.entitlements import service, subscriptions
from headrace.infra.homes import Home, checked_place
from headrace.sdk.errors import Conflict, NotFound

FEATURE = "dedicated_infrastructure"
BEFORE = frozenset({"create", "migrate", "mirror", "freeze", "copy"})
"""Steps at which a move can be given up: the organization still lives in the shared database."""
_HELD = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('headrace move ' || :id, 0))")


async def list_homes(session: AsyncSession, actor: Actor) -> list[Home]:
    """Organizations with a database of their own, and those on their way, the oldest first."""
    actor.require("system:manage")
    return list((await session.scalars(sa.select(Home).order_by(Home.created_at, Home.id))).all())


async def get(session: AsyncSession, actor: Actor, organization_id: UUID) -> Home:
    """One of them.

    Raises:
        NotFound: the organization lives in the shared database.
    """
    actor.require("system:manage")
    found = await session.get(Home, organization_id, with_for_update=True)
    if found is None:
        raise NotFound("the organization has no database of its own", resource="home")
    return found


async def give_own(
    session: AsyncSession, actor: Actor, organization_id: UUID, place: str, servers: Sequence[str]
) -> Home:
    """Begin the move to a database of its own; called again, it changes nothing.

    Raises:
        ConfigError: the place is none, or on a server that the operator has not named.
        FeatureOff: the plan of the organization has no dedicated infrastructure.
        Conflict: another organization has this database, or this one is on its way back.
    """
    actor.require("system:manage")
    place = checked_place(place or f"headrace_{organization_id.hex}", servers)
    async with subscriptions.of(session, actor, organization_id):
        await service.require_feature(session, FEATURE)
        await _says(session, organization_id, "dedicated")
    found = await session.get(Home, organization_id, with_for_update=True)
    if found is not None and (found.goal, found.place) != ("own", place):
        raise Conflict("the organization has another database, or is on its way back; end that first", field="place")
    if found is None:
        found = Home(id=organization_id, place=place)
        session.add(found)
        await session.flush()
    return found


async def give_back(session: AsyncSession, actor: Actor, organization_id: UUID) -> Home:
    """Begin the way back; the database is dropped at its end. A move that has not switched yet is given up.

    Raises:
        NotFound: the organization lives in the shared database.
        Conflict: a step of a move is being done.
    """
    found = await get(session, actor, organization_id)
    if not await session.scalar(_HELD, {"id": str(organization_id)}):
        raise Conflict("a step of the move is being done; try again in a moment")
    if found.goal == "own":
        if found.step not in BEFORE | {"done"}:
            raise Conflict("the move is about to end; try again in a moment")
        early = found.step != "done"
        found.goal, found.step, found.note = "shared", "drop" if early else "freeze", ""
        if early:
            found.state = "here"
        async with subscriptions.of(session, actor, organization_id):
            await _says(session, organization_id, "shared")
    return found


async def _says(session: AsyncSession, organization_id: UUID, kind: str) -> None:
    change = sa.update(Organization).where(Organization.id == organization_id)
    await session.execute(change.values(infrastructure_type=kind, row_version=Organization.row_version + 1))
