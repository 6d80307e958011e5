"""Who loses or gains what: a change of subscriptions, plans or editions looked at before it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.service import Actor
from headrace.entitlements import catalogue, counts, plans, resolve, service, subscriptions
from headrace.infra.database import Database
from headrace.sdk.errors import NotFound
from headrace.sdk.hookspecs import OrganizationInfo
from headrace.sdk.manifests import Plan

AT_ONCE = 200
T = TypeVar("T")


class LimitMove(Struct, frozen=True, kw_only=True):
    """A limit before and after; -1 is unlimited. `beyond` of what is there could then be read only."""

    limit: str
    before: int
    after: int
    used: int | None = None
    beyond: int = 0


class Move(Struct, frozen=True, kw_only=True):
    """What one organization would gain and lose."""

    organization_id: UUID
    organization: str
    gains: list[str]
    loses: list[str]
    limits: list[LimitMove]


class Wish(Struct, frozen=True, kw_only=True):
    """A change to look at: of one organization's plan, or of what a plan or an edition is for all.

    Attributes:
        organization_id: Whose plan would be `plan`; None: the plan itself would change.
        enabled: Of the edition.
        features: Of the plan; of the edition where no plan is named.
        limits: Of the plan.
    """

    organization_id: UUID | None = None
    edition: str = ""
    plan: str = ""
    enabled: bool | None = None
    features: Mapping[str, bool] | None = None
    limits: Mapping[str, int] | None = None


async def preview(session: AsyncSession, actor: Actor, wish: Wish, database: Database) -> list[Move]:
    """Every organization for which something would change; what it has is counted where it lives: `database` knows.

    Raises:
        ConfigError: no such plan, edition, feature or limit.
        NotFound: no such organization, plan or edition.
        TransientError: a database that an organization has of its own is away.
    """
    actor.require("subscription:manage")
    before = await service.state(session)
    if wish.organization_id is not None:
        edition, plan = subscriptions.named(before, wish.edition, wish.plan)
        async with subscriptions.of(session, actor, wish.organization_id):
            info = await service.organization_info(session)
            move = await _move(session, database, "", info, replace(info, edition=edition, plan=plan), before, before)
        return [move] if move else []
    after = await _wished(session, before, wish)

    async def judge(name: str, info: OrganizationInfo) -> Move | None:
        return await _move(session, database, name, info, info, before, after)

    return [move for move in await _each(session, actor, judge) if move is not None]


async def users_of(session: AsyncSession, actor: Actor, plan: str) -> int:
    """How many organizations have a plan."""

    async def has(_name: str, info: OrganizationInfo) -> bool:
        return info.plan == plan

    return sum(await _each(session, actor, has))


async def _each(session: AsyncSession, actor: Actor, ask: Callable[[str, OrganizationInfo], Awaitable[T]]) -> list[T]:
    """Ask about each organization; the transaction is of it meanwhile."""
    answers: list[T] = []
    while True:
        found, total = await subscriptions.organizations(session, actor, limit=AT_ONCE, offset=len(answers))
        for organization_id, name in found:
            async with subscriptions.of(session, actor, organization_id):
                answers.append(await ask(name, await service.organization_info(session)))
        if not found or len(answers) >= total:
            return answers


async def _wished(session: AsyncSession, before: catalogue.Catalogue, wish: Wish) -> catalogue.Catalogue:
    changes = await plans.changes(session)
    if wish.plan:
        known = await plans.get(session, wish.plan)
        plans.checked(before, wish.features or {}, wish.limits or {})
        features = known.plan.features
        if wish.features is not None:
            features = _set(wish.features)
        limits = known.plan.limits if wish.limits is None else dict(wish.limits)
        plan = Plan(id=wish.plan, title=known.plan.title, features=features, limits=limits)
        changes = replace(changes, plans={**changes.plans, wish.plan: catalogue.PlanChange(known.edition, plan)})
    elif wish.edition not in before.every:
        raise NotFound(f"there is no edition '{wish.edition}'", resource="edition")
    elif wish.features is not None:
        plans.checked(before, wish.features, {})
    if wish.edition:
        known_one = changes.editions.get(wish.edition, catalogue.EditionChange())
        held = known_one.features if wish.plan or wish.features is None else _set(wish.features)
        enabled = known_one.enabled if wish.enabled is None else wish.enabled
        changed = {**changes.editions, wish.edition: replace(known_one, enabled=enabled, features=held)}
        changes = replace(changes, editions=changed)
    return service.answers().with_changes(changes, before)


def _set(features: Mapping[str, bool]) -> frozenset[str]:
    return frozenset(key if on else f"-{key}" for key, on in features.items())


async def _used(session: AsyncSession, database: Database, key: str, organization_id: UUID) -> int:
    if session.info.get("elsewhere") is None:
        return await counts.used(session, key, organization_id)
    async with database.transaction(organization_id) as there:
        return await counts.used(there, key, organization_id)


async def _move(
    session: AsyncSession, database: Database, name: str, was: OrganizationInfo, will: OrganizationInfo,
    before: catalogue.Catalogue, after: catalogue.Catalogue,
) -> Move | None:  # fmt: skip
    keys = sorted({*resolve.FEATURES, *before.features, *after.features})
    had = {key for key in keys if resolve.feature(key, was, before.editions, before.features).enabled}
    has = {key for key in keys if resolve.feature(key, will, after.editions, after.features).enabled}
    limits = []
    for key in sorted({*counts.COUNTED, *plans.RATES}):
        old, new = resolve.limit(key, was, before.editions), resolve.limit(key, will, after.editions)
        if old == new:
            continue
        used = await _used(session, database, key, was.id) if key in counts.COUNTED else None
        beyond = max(0, (used or 0) - new) if new != resolve.UNLIMITED else 0
        limits.append(LimitMove(limit=key, before=old, after=new, used=used, beyond=beyond))
    if had == has and not limits:
        return None
    return Move(
        organization_id=was.id, organization=name, gains=sorted(has - had), loses=sorted(had - has), limits=limits
    )
