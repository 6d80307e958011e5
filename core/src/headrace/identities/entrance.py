"""What strangers see: which providers there are to sign in with, and the one they choose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.service import Organization
from headrace.entitlements.service import check_feature, require_feature
from headrace.identities.models import IdentityProvider
from headrace.identities.service import open_config
from headrace.infra.crypto import KeyRing
from headrace.infra.database import set_tenant
from headrace.plugins.registry import AuthEntry, Registry
from headrace.sdk.auth import AuthProvider
from headrace.sdk.errors import NotFound, TransientError

DEADLINE_S = 20
_STAND = sa.text("select set_config('app.entrance', :place, true)")
Answer = TypeVar("Answer")


class Offer(Struct, frozen=True, kw_only=True):
    """A way to sign in, as strangers see it."""

    id: str
    title: str
    kind: str
    icon: str


class Chosen(Struct, frozen=True):
    """A provider that somebody signs in with; the transaction is of its organization."""

    row: IdentityProvider
    entry: AuthEntry
    config: dict[str, Any]

    async def ask(self, work: Callable[[AuthProvider[Any]], Answer]) -> Answer:
        """Have the provider do something, which may take the network: outside of transactions.

        Raises:
            TransientError: it takes too long.
        """
        return await ask(self.entry, self.config, work)


async def ask(entry: AuthEntry, config: Mapping[str, Any], work: Callable[[AuthProvider[Any]], Answer]) -> Answer:
    """Open a provider and have it do something, in a thread with a deadline.

    Raises:
        TransientError: it takes too long.
    """
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await asyncio.to_thread(lambda: work(entry.open(config)))
    except TimeoutError:
        raise TransientError(f"the provider did not answer within {DEADLINE_S} s; try again") from None


async def offers(session: AsyncSession, registry: Registry, *, slug: str = "", email: str = "") -> list[Offer]:
    """Ways to sign in: those of the installation, of an organization by its slug, and of an e-mail domain.

    The answer is the same whether or not the address has an account. Use a transaction without organization.
    """
    own = [entry.manifest for entry in registry.auth_providers.values() if entry.manifest.kind == "password"]
    found = [Offer(id=one.id, title=one.title, kind=one.kind, icon=one.icon) for one in own]
    rows = {row.id: row for row in await _seen(session, "listed", IdentityProvider.listed)}
    domain = email.rpartition("@")[2].strip().lower()
    if domain and domain != "*":
        rows |= {row.id: row for row in await _seen(session, f"domain:{domain}", sa.true())}
    if slug:
        rows |= {row.id: row for row in await _of_slug(session, slug)}
    for row in sorted(rows.values(), key=lambda row: row.name.lower()):
        entry = registry.auth_providers.get(row.provider)
        if entry is not None and entry.manifest.kind != "directory" and await _included(session, row, entry):
            manifest = entry.manifest
            found.append(Offer(id=str(row.id), title=row.name, kind=manifest.kind, icon=manifest.icon))
    await set_tenant(session, None)
    return found


async def choose(session: AsyncSession, ring: KeyRing, registry: Registry, provider_id: UUID) -> Chosen:
    """The provider that somebody signs in with; from here on the transaction is of its organization.

    Raises:
        NotFound: there is none, it is switched off, or its plugin is missing.
        FeatureOff: the organization's edition has not got it.
    """
    rows = await _seen(session, f"id:{provider_id}", IdentityProvider.id == provider_id)
    entry = registry.auth_providers.get(rows[0].provider) if rows else None
    if not rows or entry is None or entry.manifest.kind == "directory":
        raise NotFound("there is no such way to sign in", resource="identity_provider")
    row = rows[0]
    await set_tenant(session, row.organization_id)
    if entry.manifest.feature:
        await require_feature(session, entry.manifest.feature)
    return Chosen(row, entry, await open_config(session, ring, row))


async def _seen(session: AsyncSession, place: str, which: Any) -> list[IdentityProvider]:
    """Rows that somebody at this place sees."""
    await set_tenant(session, None)
    await session.execute(_STAND, {"place": place})
    query = sa.select(IdentityProvider).where(IdentityProvider.is_enabled, which)
    rows = list((await session.scalars(query.limit(20))).all())
    await session.execute(_STAND, {"place": ""})
    return rows


async def _of_slug(session: AsyncSession, slug: str) -> list[IdentityProvider]:
    await set_tenant(session, None)
    await session.execute(_STAND, {"place": f"slug:{slug}"})
    organization_id = await session.scalar(sa.select(Organization.id).where(Organization.slug == slug))
    await session.execute(_STAND, {"place": ""})
    if organization_id is None:
        return []
    await set_tenant(session, organization_id)
    query = sa.select(IdentityProvider).where(
        IdentityProvider.organization_id == organization_id, IdentityProvider.is_enabled
    )
    return list((await session.scalars(query)).all())


async def _included(session: AsyncSession, row: IdentityProvider, entry: AuthEntry) -> bool:
    """Whether the edition of the row's organization has it."""
    if not entry.manifest.feature:
        return True
    await set_tenant(session, row.organization_id)
    return (await check_feature(session, entry.manifest.feature, organization_id=row.organization_id)).enabled
