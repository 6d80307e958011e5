"""What platform admins change of editions, plans and features while everything runs; the packages say the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.service import Actor, check_version, clean_name
from headrace.entitlements import catalogue, counts, parts, resolve, service
from headrace.infra.ids import new_id
from headrace.infra.states import SWITCHED, set_state
from headrace.sdk.errors import ConfigError, Conflict, NotFound
from headrace.sdk.manifests import EditionManifest, Feature, Plan

RATES = frozenset({"api_requests", "concurrent_executions", "execution_share", "ai_cost_usd"})
"""Limits of how much at a time, or of what is not counted by rows."""

_PUT_EDITION = sa.text("""
INSERT INTO editions (key, enabled, features) VALUES (:key, :enabled, :features)
ON CONFLICT (key) DO UPDATE SET enabled = excluded.enabled, features = excluded.features, updated_at = now()
""").bindparams(sa.bindparam("features", type_=JSONB(none_as_null=True)))
_PUT_FEATURE = sa.text("""
INSERT INTO features (key, name, default_enabled) VALUES (:key, :name, :default_enabled)
ON CONFLICT (key) DO UPDATE SET name = excluded.name, default_enabled = excluded.default_enabled, updated_at = now()
""")
_DELETE_FEATURE = sa.text("DELETE FROM features WHERE key = :key RETURNING key")
_VERSIONS = sa.text("SELECT key, row_version FROM plans")
_VERSION_OF = sa.text("SELECT row_version FROM plans WHERE key = :key FOR UPDATE")
_PUT_PLAN = sa.text("""
INSERT INTO plans (key, edition, title) VALUES (:key, :edition, :title)
ON CONFLICT (key) DO UPDATE SET title = excluded.title, row_version = plans.row_version + 1, updated_at = now()
""")
_CLEAR_FEATURES = sa.text("DELETE FROM plan_features WHERE plan = :key")
_CLEAR_LIMITS = sa.text("DELETE FROM plan_limits WHERE plan = :key")
_ADD_FEATURE = sa.text("INSERT INTO plan_features (plan, feature, enabled) VALUES (:plan, :feature, :enabled)")
_ADD_LIMIT = sa.text("INSERT INTO plan_limits (plan, key, value) VALUES (:plan, :key, :value)")
_DELETE_PLAN = sa.text("DELETE FROM plans WHERE key = :key")
_TELL = sa.text("SELECT pg_notify(:channel, 'entitlements')")


class KnownPlan(Struct, frozen=True):
    """A plan and where it comes from; `row_version` is 0 as long as it is as its package says."""

    plan: Plan
    edition: str
    origin: Literal["package", "changed", "own"]
    row_version: int = 0


async def changes(session: AsyncSession) -> catalogue.Changes:
    """What is changed now."""
    return await catalogue.load(session)


async def list_(session: AsyncSession) -> list[KnownPlan]:
    """Every plan, by edition."""
    state, changed = await service.state(session), (await changes(session)).plans
    versions = {row.key: row.row_version for row in await session.execute(_VERSIONS)}
    packaged = _packaged()
    return [
        KnownPlan(plan, edition.id, _origin(plan.id, plan.id in changed, packaged), versions.get(plan.id, 0))
        for _, edition in sorted(state.every.items()) for plan in edition.plans
    ]  # fmt: skip


async def get(session: AsyncSession, key: str) -> KnownPlan:
    """One of them.

    Raises:
        NotFound: there is none.
    """
    found = next((one for one in await list_(session) if one.plan.id == key), None)
    if found is None:
        raise NotFound(f"there is no plan '{key}'", resource="plan")
    return found


async def create(
    session: AsyncSession, actor: Actor, *, key: str, edition: str, title: str,
    features: Mapping[str, bool], limits: Mapping[str, int],
) -> KnownPlan:  # fmt: skip
    """Make a plan.

    Raises:
        Denied: only a platform admin may.
        Conflict: there is one with this key.
        ConfigError: no such edition, feature or limit.
    """
    actor.require("subscription:manage")
    title, key = clean_name(title, "plan"), resolve.checked_key(key)
    if any(one.plan.id == key for one in await list_(session)):
        raise Conflict(f"there is a plan '{key}' already; choose another key, or change that one", field="key")
    state = await service.state(session)
    if edition not in state.every:
        raise ConfigError(
            f"there is no edition '{edition}'; there are {', '.join(sorted(state.every))}", field="edition"
        )
    await _put(session, state, key, edition, title, features, limits)
    return await get(session, key)


async def update(
    session: AsyncSession, actor: Actor, key: str, *, row_version: int, title: str | None = None,
    features: Mapping[str, bool] | None = None, limits: Mapping[str, int] | None = None,
) -> KnownPlan:  # fmt: skip
    """Change what is given, of a package's plan too.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        ConfigError: no such feature or limit.
    """
    actor.require("subscription:manage")
    known = await get(session, key)
    check_version(int(await session.scalar(_VERSION_OF, {"key": key}) or 0), row_version)
    if features is None:
        features = {one.removeprefix("-"): not one.startswith("-") for one in known.plan.features}
    limits = known.plan.limits if limits is None else limits
    await _put(
        session,
        await service.state(session),
        key,
        known.edition,
        known.plan.title if title is None else clean_name(title, "plan"),
        features,
        limits,
    )
    return await get(session, key)


async def delete(session: AsyncSession, actor: Actor, key: str, *, users: int) -> None:
    """Remove a plan of the installation's own; one of a package is again as the package says.

    Args:
        session: Any.
        actor: A platform admin.
        key: The plan.
        users: How many organizations have it (`preview.users_of`).

    Raises:
        Conflict: organizations have it.
    """
    actor.require("subscription:manage")
    known = await get(session, key)
    if known.origin == "own" and users:
        raise Conflict(f"{users} organizations have the plan '{key}'; give them another first", users=users)
    await session.execute(_DELETE_PLAN, {"key": key})
    await told(session)


async def change_edition(
    session: AsyncSession, actor: Actor, key: str, *, enabled: bool | None = None,
    features: frozenset[str] | None = None, reset_features: bool = False,
) -> EditionManifest:  # fmt: skip
    """Switch an edition off or on, or change its features; `reset_features` gives those of the package back.

    Raises:
        NotFound: it is not installed.
        Conflict: it is the default of organizations without a subscription, which stays on.
    """
    actor.require("edition:manage")
    state = await service.state(session)
    if key not in state.every:
        raise NotFound(f"there is no edition '{key}'", resource="edition")
    if enabled is False and key == state.default[0]:
        raise Conflict(
            f"the edition '{key}' is that of every organization without a subscription; it stays on", field="enabled"
        )
    known = (await changes(session)).editions.get(key, catalogue.EditionChange())
    if features is not None:
        _known_features(state, (one.removeprefix("-") for one in features))
        known = replace(known, features=features)
    known = replace(
        known, enabled=known.enabled if enabled is None else enabled,
        features=None if reset_features else known.features,
    )  # fmt: skip
    listed = None if known.features is None else sorted(known.features)
    await session.execute(_PUT_EDITION, {"key": key, "enabled": known.enabled, "features": listed})
    await told(session)
    return (await service.state(session)).every[key]


async def put_feature(session: AsyncSession, actor: Actor, key: str, *, name: str, default_enabled: bool) -> Feature:
    """Say what counts where neither override nor plan nor edition says anything; or make a feature known.

    Raises:
        ConfigError: it is no key.
    """
    actor.require("edition:manage")
    resolve.checked_key(key)
    state = await service.state(session)
    declared = state.features.get(key)
    name = clean_name(name, "feature") if name else ""
    name = name or (declared.title if declared else resolve.FEATURES.get(key, key))
    await session.execute(_PUT_FEATURE, {"key": key, "name": name, "default_enabled": default_enabled})
    await told(session)
    return Feature(id=key, title=name, default=default_enabled)


async def delete_feature(session: AsyncSession, actor: Actor, key: str) -> None:
    """Let its plugin say again what counts.

    Raises:
        NotFound: nobody has changed it.
    """
    actor.require("edition:manage")
    if await session.scalar(_DELETE_FEATURE, {"key": resolve.checked_key(key)}) is None:
        raise NotFound(f"nobody has changed the feature '{key}'", resource="feature")
    await told(session)


async def told(session: AsyncSession) -> None:
    """Everybody who asks after the commit is judged by the new state."""
    await set_state(session, "entitlements", str(new_id()))
    await session.execute(_TELL, {"channel": SWITCHED})
    service.forget(session)


def checked(state: catalogue.Catalogue, features: Mapping[str, bool], limits: Mapping[str, int]) -> None:
    """Go on only with features and limits that exist.

    Raises:
        ConfigError: one does not.
    """
    _known_features(state, features)
    hard = {*counts.COUNTED, *parts.KEYS}
    known = (
        hard
        | {*RATES}
        | {f"{key}{parts.SOFT}" for key in hard}
        | {key for e in _packaged().values() for p in e.plans for key in p.limits}
    )
    for key, value in limits.items():
        if key not in known:
            raise ConfigError(f"there is no limit '{key}'; there are {', '.join(sorted(known))}", field=f"limits.{key}")
        if value < resolve.UNLIMITED:
            raise ConfigError("a limit is 0 or more, or -1 for none", field=f"limits.{key}")


async def _put(
    session: AsyncSession, state: catalogue.Catalogue, key: str, edition: str, title: str,
    features: Mapping[str, bool], limits: Mapping[str, int],
) -> None:  # fmt: skip
    checked(state, features, limits)
    await session.execute(_PUT_PLAN, {"key": key, "edition": edition, "title": title})
    await session.execute(_CLEAR_FEATURES, {"key": key})
    await session.execute(_CLEAR_LIMITS, {"key": key})
    rows: list[dict[str, Any]] = [{"plan": key, "feature": one, "enabled": on} for one, on in features.items()]
    if rows:
        await session.execute(_ADD_FEATURE, rows)
    if limits:
        await session.execute(_ADD_LIMIT, [{"plan": key, "key": one, "value": most} for one, most in limits.items()])
    await told(session)


def _known_features(state: catalogue.Catalogue, keys: Any) -> None:
    known = {"*", *resolve.FEATURES, *state.features}
    for key in keys:
        if key not in known:
            raise ConfigError(f"there is no feature '{key}'; make it known first", field=f"features.{key}")


def _packaged() -> Mapping[str, EditionManifest]:
    return service.answers().with_changes(catalogue.Changes()).every


def _origin(key: str, changed: bool, packaged: Mapping[str, EditionManifest]) -> Literal["package", "changed", "own"]:
    if not changed:
        return "package"
    return "changed" if any(resolve.plan_of(edition, key) for edition in packaged.values()) else "own"
