"""Subscriptions and overrides of organizations; for platform admins, whose own organization may be another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.service import Actor, check_version
from headrace.entitlements import plans, resolve, service
from headrace.entitlements.catalogue import Catalogue
from headrace.entitlements.models import FeatureOverride, Subscription
from headrace.infra.clock import now
from headrace.infra.database import set_tenant
from headrace.sdk.errors import ConfigError, Conflict, NotFound

STATUSES = ("trialing", "active", "past_due", "suspended", "cancelled")
FIELDS = frozenset({"status", "infrastructure_type", "period_start", "period_end", "settings", "facts"})
_PLATFORM = sa.text("SELECT set_config('app.platform', :state, true)")
_ORGANIZATIONS = sa.text("""
SELECT id, name, count(*) OVER () AS total FROM organizations
WHERE position(lower(:q) IN lower(name)) > 0 ORDER BY created_at, id LIMIT :limit OFFSET :offset
""")
_EXISTS = sa.text("SELECT 1 FROM organizations WHERE id = :id")


async def organizations(
    session: AsyncSession, actor: Actor, *, q: str = "", limit: int = 20, offset: int = 0
) -> tuple[list[tuple[UUID, str]], int]:
    """Id and name of every organization, oldest first, and how many there are."""
    actor.require("subscription:manage")
    await session.execute(_PLATFORM, {"state": "on"})
    rows = (await session.execute(_ORGANIZATIONS, {"q": q, "limit": limit, "offset": offset})).all()
    await session.execute(_PLATFORM, {"state": ""})
    return [(row.id, row.name) for row in rows], rows[0].total if rows else 0


@asynccontextmanager
async def of(session: AsyncSession, actor: Actor, organization_id: UUID) -> AsyncIterator[None]:
    """For the block, the transaction is of another organization.

    Raises:
        Denied: only a platform admin may.
        NotFound: there is none.
    """
    actor.require("subscription:manage")
    await set_tenant(session, organization_id, user_id=actor.user_id)
    try:
        if not await session.scalar(_EXISTS, {"id": organization_id}):
            raise NotFound("there is no such organization", resource="organization")
        yield
        await session.flush()
    finally:
        service.forget(session)
        await set_tenant(session, actor.organization_id, user_id=actor.user_id)


async def get(session: AsyncSession, actor: Actor) -> Subscription:
    """The subscription of the transaction's organization.

    Raises:
        NotFound: it has none: the default counts.
    """
    actor.require("subscription:manage")
    row = await session.get(Subscription, session.info["organization_id"], with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("the organization has no subscription; the default plan counts", resource="subscription")
    return row


async def create(session: AsyncSession, actor: Actor, *, plan: str, edition: str = "", **fields: Any) -> Subscription:
    """Subscribe the transaction's organization.

    Raises:
        Conflict: it has a subscription.
        ConfigError: no such plan.
    """
    actor.require("subscription:manage")
    if await session.get(Subscription, session.info["organization_id"]) is not None:
        raise Conflict("the organization has a subscription already; change that", field="organization_id")
    return await subscribe(session, actor, plan=plan, edition=edition, **fields)


async def subscribe(
    session: AsyncSession, actor: Actor, *, edition: str = "", plan: str = "",
    effective: Literal["now", "period_end"] = "now", **fields: Any,
) -> Subscription:  # fmt: skip
    """Set edition and plan of the transaction's organization; no plan is the edition's first.

    Nothing is deleted: what is beyond the new limits can be read, and what is executed goes on.

    Raises:
        Denied: only a platform admin may.
        ConfigError: no such edition or plan, or no end of the period to wait for.
    """
    actor.require("subscription:manage")
    edition, plan = named(await service.state(session), edition, plan)
    organization_id = session.info["organization_id"]
    row = await session.get(Subscription, organization_id, with_for_update=True, populate_existing=True)
    if row is None:
        row = Subscription(organization_id=organization_id, edition=edition, plan=plan, period_start=now())
        session.add(row)
    _set(row, fields)
    if effective == "period_end":
        if row.period_end is None or row.period_end <= now():
            raise ConfigError("the subscription has no end of a period in the future; give one", field="effective")
        row.next_edition, row.next_plan, row.next_at = edition, plan, row.period_end
    else:
        row.next_edition = row.next_plan = row.next_at = None
        if (row.edition, row.plan) != (edition, plan):
            row.edition, row.plan, row.period_start = edition, plan, fields.get("period_start", now())
    await session.flush()
    service.forget(session)
    return row


async def update(session: AsyncSession, actor: Actor, changes: Mapping[str, Any], *, row_version: int) -> Subscription:
    """Change status, period and the like; the plan through `subscribe`.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        ConfigError: a value does not fit.
    """
    row = await get(session, actor)
    check_version(row.row_version, row_version)
    _set(row, changes)
    await session.flush()
    service.forget(session)
    return row


async def delete(session: AsyncSession, actor: Actor) -> None:
    """End the subscription: the default plan counts from now on."""
    await session.delete(await get(session, actor))
    await session.flush()
    service.forget(session)


def named(state: Catalogue, edition: str, plan: str) -> tuple[str, str]:
    """Edition and plan; either may be left out where the other tells it.

    Raises:
        ConfigError: there is none, or more than one.
    """
    if not edition and plan:
        having = sorted(key for key, one in state.editions.items() if resolve.plan_of(one, plan))
        if len(having) > 1:
            raise ConfigError(f"several editions have a plan '{plan}': {', '.join(having)}; say which", field="edition")
        if not having:
            every = sorted(one.id for known in state.editions.values() for one in known.plans)
            raise ConfigError(f"there is no plan '{plan}'; there are {', '.join(every)}", field="plan")
        edition = having[0]
    if edition not in state.editions:
        known = ", ".join(sorted(state.editions))
        why = "is switched off, or lacks its licence" if edition in state.every else "is not installed"
        raise ConfigError(f"the edition '{edition}' {why}; there are {known}", field="edition")
    plan = plan or state.editions[edition].plans[0].id
    if resolve.plan_of(state.editions[edition], plan) is None:
        plans = ", ".join(one.id for one in state.editions[edition].plans)
        raise ConfigError(f"the edition '{edition}' has no plan '{plan}'; it has {plans}", field="plan")
    return edition, plan


async def overrides(session: AsyncSession, actor: Actor) -> list[FeatureOverride]:
    """What is switched or set for the transaction's organization alone."""
    actor.require("subscription:manage")
    query = sa.select(FeatureOverride).where(FeatureOverride.organization_id == session.info["organization_id"])
    return list((await session.scalars(query.order_by(FeatureOverride.kind, FeatureOverride.key))).all())


async def override_feature(
    session: AsyncSession, actor: Actor, key: str, *, enabled: bool, reason: str = "",
    expires_at: datetime | None = None,
) -> None:  # fmt: skip
    """Switch one feature for the transaction's organization, whatever its plan says."""
    plans.checked(await service.state(session), {key: enabled}, {})
    values = {"enabled": enabled, "value": None, "reason": reason, "expires_at": expires_at}
    await _override(session, actor, "feature", key, values)


async def override_limit(
    session: AsyncSession, actor: Actor, key: str, *, value: int, reason: str = "", expires_at: datetime | None = None
) -> None:
    """Set one limit for the transaction's organization; -1 is unlimited."""
    plans.checked(await service.state(session), {}, {key: value})
    values = {"enabled": None, "value": value, "reason": reason, "expires_at": expires_at}
    await _override(session, actor, "limit", key, values)


async def remove_override(session: AsyncSession, actor: Actor, key: str) -> None:
    """Let plan and edition decide again."""
    actor.require("subscription:manage")
    await session.execute(
        sa.delete(FeatureOverride).where(
            FeatureOverride.organization_id == session.info["organization_id"],
            FeatureOverride.key == resolve.checked_key(key),
        )
    )
    service.forget(session)


async def _override(session: AsyncSession, actor: Actor, kind: str, key: str, values: dict[str, Any]) -> None:
    actor.require("subscription:manage")
    where = {"organization_id": session.info["organization_id"], "kind": kind, "key": key}
    row = insert(FeatureOverride).values(**where, **values)
    change = {**values, "updated_at": now()}
    await session.execute(row.on_conflict_do_update(index_elements=["organization_id", "kind", "key"], set_=change))
    service.forget(session)


def _set(row: Subscription, changes: Mapping[str, Any]) -> None:
    unknown = changes.keys() - FIELDS
    if unknown:
        raise ConfigError(f"'{min(unknown)}' of a subscription cannot be set", field=min(unknown))
    if changes.get("status", "active") not in STATUSES:
        raise ConfigError(f"a subscription is {', '.join(STATUSES)}", field="status")
    if changes.get("infrastructure_type", "shared") not in {"shared", "dedicated"}:
        raise ConfigError("the infrastructure is shared or dedicated", field="infrastructure_type")
    for name, value in changes.items():
        setattr(row, name, value)
    if row.period_start and row.period_end and row.period_end <= row.period_start:
        raise ConfigError("the period ends before it begins", field="period_end")
