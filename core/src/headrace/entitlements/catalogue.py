"""Editions, plans and features as they count now: what packages declare, with what admins changed; pure but `load`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.entitlements.resolve import DEFAULT
from headrace.sdk.manifests import EditionManifest, Feature, Plan


class EditionChange(Struct, frozen=True):
    """An edition that is switched off, or has other features than its package says."""

    enabled: bool = True
    features: frozenset[str] | None = None


class PlanChange(Struct, frozen=True):
    """A plan of the installation's own, or one of a package with other contents."""

    edition: str
    plan: Plan


class Changes(Struct, frozen=True):
    """What admins changed, by key."""

    editions: Mapping[str, EditionChange] = {}
    plans: Mapping[str, PlanChange] = {}
    features: Mapping[str, Feature] = {}


class Catalogue(Struct, frozen=True, kw_only=True):
    """What organizations are judged by.

    Attributes:
        every: Each edition, those that are off or lack a licence too; with its plans as they are now.
        editions: Those that count.
        features: Each known feature.
        default: Edition and plan of an organization without a subscription.
        licensed: The edition that a licence opens.
        until: When a licence ends, and with it this state.
    """

    every: Mapping[str, EditionManifest]
    editions: Mapping[str, EditionManifest]
    features: Mapping[str, Feature]
    default: tuple[str, str] = (DEFAULT, DEFAULT)
    licensed: str = ""
    until: datetime | None = None


def build(
    editions: Mapping[str, EditionManifest], features: Mapping[str, Feature], changes: Changes,
    *, licensed: str = "", default: tuple[str, str] = (DEFAULT, DEFAULT), until: datetime | None = None,
) -> Catalogue:  # fmt: skip
    """Put changes upon manifests.

    Args:
        editions: By the plugins.
        features: By the plugins.
        changes: Of admins.
        licensed: The edition that a valid licence opens.
        default: Edition and plan without a subscription.
        until: When the licence ends.
    """
    every = {key: _edition(one, changes) for key, one in editions.items()}
    off = {key for key, one in changes.editions.items() if not one.enabled}
    closed = {key for key, one in every.items() if one.license_key and key != licensed}
    return Catalogue(
        every=every, editions={key: one for key, one in every.items() if key not in off | closed},
        features={**features, **changes.features}, default=default, licensed=licensed,
        until=until,
    )  # fmt: skip


def _edition(edition: EditionManifest, changes: Changes) -> EditionManifest:
    change = changes.editions.get(edition.id, EditionChange())
    mine = {key: one.plan for key, one in changes.plans.items() if one.edition == edition.id}
    plans = tuple(
        replace(mine.pop(plan.id), price=plan.price) if plan.id in mine else plan for plan in edition.plans
    )  # fmt: skip
    features = edition.features if change.features is None else change.features
    return replace(edition, features=features, plans=(*plans, *mine.values()))


_EDITIONS = sa.text("SELECT key, enabled, features FROM editions")
_FEATURES = sa.text("SELECT key, name, default_enabled FROM features")
_PLANS = sa.text("""
SELECT p.key, p.edition, p.title,
  coalesce((SELECT jsonb_object_agg(f.feature, f.enabled) FROM plan_features f WHERE f.plan = p.key), '{}') AS features,
  coalesce((SELECT jsonb_object_agg(l.key, l.value) FROM plan_limits l WHERE l.plan = p.key), '{}') AS limits
FROM plans p ORDER BY p.created_at, p.key
""")


async def load(session: AsyncSession) -> Changes:
    """What is changed at this moment."""
    editions = (await session.execute(_EDITIONS)).all()
    plans = (await session.execute(_PLANS)).all()
    features = (await session.execute(_FEATURES)).all()
    return Changes(
        editions={
            row.key: EditionChange(row.enabled, None if row.features is None else frozenset(row.features))
            for row in editions
        },
        plans={row.key: PlanChange(row.edition, _plan(row)) for row in plans},
        features={row.key: Feature(id=row.key, title=row.name, default=row.default_enabled) for row in features},
    )  # fmt: skip


def _plan(row: sa.Row[tuple[object, ...]]) -> Plan:
    features = frozenset(key if enabled else f"-{key}" for key, enabled in row.features.items())
    return Plan(id=row.key, title=row.title, features=features, limits=row.limits)
