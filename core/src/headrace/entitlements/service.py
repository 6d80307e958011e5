"""What an organization may use: features, limits, subscription, overrides. Code asks for features and limits only."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.service import Actor
from headrace.entitlements import resolve
from headrace.entitlements.models import FeatureOverride, Subscription
from headrace.entitlements.plugin import Entitlements
from headrace.infra.clock import now
from headrace.plugins.manager import Host, load_plugins
from headrace.sdk.errors import ConfigError, FeatureOff, LimitReached
from headrace.sdk.hookspecs import OrganizationInfo

_INFO = "entitlements"
_host: list[Host] = []


class Usage(Struct, frozen=True):
    """How much of a limit is used; -1 is unlimited."""

    type: str
    used: int
    limit: int
    remaining: int
    resets_at: datetime | None = None


def use_host(host: Host) -> None:
    """Ask these plugins from now on; each process does this once at its start."""
    host.register_default(Entitlements(host.registry))
    _host[:] = [host]


def _plugins() -> Host:
    if not _host:
        use_host(load_plugins())
    return _host[0]


async def organization_info(session: AsyncSession, organization_id: UUID | None = None) -> OrganizationInfo:
    """Edition, plan and overrides; read once per transaction."""
    organization_id = organization_id or session.info["organization_id"]
    cached = session.info.get(_INFO)
    if isinstance(cached, OrganizationInfo) and cached.id == organization_id:
        return cached
    row = await session.get(Subscription, organization_id)
    query = sa.select(FeatureOverride).where(
        FeatureOverride.organization_id == organization_id,
        sa.or_(FeatureOverride.expires_at.is_(None), FeatureOverride.expires_at > now()),
    )
    overrides = (await session.scalars(query)).all()
    info = OrganizationInfo(
        id=organization_id,
        edition=row.edition if row else resolve.DEFAULT,
        plan=row.plan if row else resolve.DEFAULT,
        features={one.key: bool(one.enabled) for one in overrides if one.kind == "feature"},
        limits={one.key: one.value for one in overrides if one.kind == "limit"},
    )
    session.info[_INFO] = info
    return info


async def check_feature(
    session: AsyncSession, key: str, *, organization_id: UUID | None = None
) -> resolve.FeatureAnswer:
    """Whether the organization has a feature, and by what."""
    info = await organization_info(session, organization_id)
    host = _plugins()
    answer = resolve.feature(key, info, host.registry.editions, host.registry.features)
    enabled = bool(host.decide("headrace_feature_enabled", feature=key, organization=info))
    return answer if answer.enabled == enabled else resolve.FeatureAnswer(key, enabled, "override")


async def require_feature(session: AsyncSession, key: str, *, organization_id: UUID | None = None) -> None:
    """Go on only with this feature.

    Raises:
        FeatureOff: naming the editions that have it.
    """
    if not (await check_feature(session, key, organization_id=organization_id)).enabled:
        host = _plugins()
        declared = host.registry.features.get(key)
        title = declared.title if declared else resolve.FEATURES.get(key, key)
        editions = resolve.editions_with(key, host.registry.editions)
        where = f"it is part of {', '.join(editions)}" if editions else "no installed edition has it"
        raise FeatureOff(f"the feature '{title}' is not in your edition; {where}", feature=key, editions=editions)


async def enabled_features(session: AsyncSession, *, organization_id: UUID | None = None) -> dict[str, bool]:
    """Every known feature and whether the organization has it."""
    keys = sorted({*resolve.FEATURES, *_plugins().registry.features})
    return {key: (await check_feature(session, key, organization_id=organization_id)).enabled for key in keys}


async def limit_of(session: AsyncSession, key: str, *, organization_id: UUID | None = None) -> int:
    """The limit; -1 is unlimited."""
    info = await organization_info(session, organization_id)
    return int(_plugins().decide("headrace_limit", limit=key, organization=info))


async def check_limit(session: AsyncSession, organization_id: UUID, key: str, current: int) -> None:
    """Go on only when one more than `current` fits. Not exact under parallel creates: `reserve` is.

    Raises:
        LimitReached: with limit, used and max.
    """
    maximum = await limit_of(session, key, organization_id=organization_id)
    if maximum != resolve.UNLIMITED and current >= maximum:
        raise LimitReached(
            f"the plan allows {maximum} {key.replace('_', ' ')}, {current} are used; delete some or upgrade the plan",
            limit=key,
            used=current,
            max=maximum,
        )


async def reserve(
    session: AsyncSession, key: str, count: sa.Select[Any], *, organization_id: UUID | None = None
) -> None:
    """Go on only when one more fits, exactly: others who create the same wait for this transaction's end.

    Args:
        session: The transaction that will create the thing.
        key: The limit.
        count: Query for how many there are; asked after the lock is held.
        organization_id: That of the transaction by default.

    Raises:
        LimitReached: with limit, used and max.
    """
    organization_id = organization_id or session.info["organization_id"]
    if await limit_of(session, key, organization_id=organization_id) == resolve.UNLIMITED:
        return
    name = f"{organization_id}|{key}"
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))
    session.info.pop(_INFO, None)
    await check_limit(session, organization_id, key, int(await session.scalar(count) or 0))


async def usage(session: AsyncSession, key: str, used: int, *, organization_id: UUID | None = None) -> Usage:
    """How much of a limit is left, given what is used."""
    maximum = await limit_of(session, key, organization_id=organization_id)
    remaining = resolve.UNLIMITED if maximum == resolve.UNLIMITED else max(0, maximum - used)
    return Usage(key, used, maximum, remaining)


async def subscribe(session: AsyncSession, actor: Actor, *, edition: str, plan: str = "") -> Subscription:
    """Set edition and plan of the actor's organization; acts at once. An empty plan is the edition's first.

    Raises:
        Denied: only a platform admin may.
        ConfigError: no such edition or plan.
    """
    actor.require("subscription:manage")
    known = _plugins().registry.editions
    if edition not in known:
        raise ConfigError(f"there is no edition '{edition}'; installed are {', '.join(sorted(known))}", field="edition")
    plan = plan or known[edition].plans[0].id
    if resolve.plan_of(known[edition], plan) is None:
        plans = ", ".join(one.id for one in known[edition].plans)
        raise ConfigError(f"the edition '{edition}' has no plan '{plan}'; it has {plans}", field="plan")
    row = await session.get(Subscription, actor.organization_id, with_for_update=True)
    if row is None:
        row = Subscription(organization_id=actor.organization_id, edition=edition, plan=plan)
        session.add(row)
    row.edition, row.plan, row.period_start = edition, plan, now()
    await session.flush()
    session.info.pop(_INFO, None)
    return row


async def override_feature(
    session: AsyncSession,
    actor: Actor,
    key: str,
    *,
    enabled: bool,
    reason: str = "",
    expires_at: datetime | None = None,
) -> None:
    """Switch one feature for the actor's organization, whatever its plan says."""
    values = {"enabled": enabled, "value": None, "reason": reason, "expires_at": expires_at}
    await _override(session, actor, "feature", key, values)


async def override_limit(
    session: AsyncSession, actor: Actor, key: str, *, value: int, reason: str = "", expires_at: datetime | None = None
) -> None:
    """Set one limit for the actor's organization; -1 is unlimited."""
    if value < resolve.UNLIMITED:
        raise ConfigError("a limit is 0 or more, or -1 for none", field="value")
    values = {"enabled": None, "value": value, "reason": reason, "expires_at": expires_at}
    await _override(session, actor, "limit", key, values)


async def remove_override(session: AsyncSession, actor: Actor, key: str) -> None:
    """Let plan and edition decide again."""
    actor.require("subscription:manage")
    await session.execute(
        sa.delete(FeatureOverride).where(
            FeatureOverride.organization_id == actor.organization_id, FeatureOverride.key == key
        )
    )
    session.info.pop(_INFO, None)


async def _override(session: AsyncSession, actor: Actor, kind: str, key: str, values: dict[str, Any]) -> None:
    actor.require("subscription:manage")
    row = insert(FeatureOverride).values(organization_id=actor.organization_id, kind=kind, key=key, **values)
    change = {**values, "updated_at": now()}
    await session.execute(row.on_conflict_do_update(index_elements=["organization_id", "kind", "key"], set_=change))
    session.info.pop(_INFO, None)
