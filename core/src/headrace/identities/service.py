"""Identity providers of an organization: the door of its owners to their table. Nothing commits here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.permissions import Actor, role_named
from headrace.accounts.service import Membership, check_version, clean_name, require_role
from headrace.connections import secrets
from headrace.entitlements.service import require_feature
from headrace.identities.models import Identity, IdentityProvider
from headrace.infra.clock import now
from headrace.infra.crypto import KeyRing
from headrace.infra.datakeys import organization_cipher, sealing_cipher
from headrace.infra.ids import new_id
from headrace.plugins.registry import AuthEntry, Registry
from headrace.sdk.config import parse_config
from headrace.sdk.errors import ConfigError, Conflict, NotFound

MANAGE = "organization:update"
"""Owners only: whoever says how one signs in can sign in as anybody of the organization."""
TRUST = "system:manage"
"""To vouch for e-mail domains, and for the entrance of the whole installation."""
_TRUSTED = ("domains", "listed")
SESSION_HOURS = (1, 168)
PROVIDERS_MAX = 20


async def seal(session: AsyncSession, ring: KeyRing, row: IdentityProvider, config: Mapping[str, Any]) -> str:
    """Encrypt a config for its row."""
    cipher = await sealing_cipher(session, ring, row.organization_id)
    return cipher.encrypt(msgspec.json.encode(config), table="identity_providers", row_id=row.id, field="config")


async def open_config(session: AsyncSession, ring: KeyRing, row: IdentityProvider) -> dict[str, Any]:
    """Decrypt the config of a row."""
    cipher = await organization_cipher(session, ring, row.organization_id)
    plain = cipher.decrypt(row.config, table="identity_providers", row_id=row.id, field="config")
    config: dict[str, Any] = msgspec.json.decode(plain)
    return config


async def create(
    session: AsyncSession, actor: Actor, ring: KeyRing, registry: Registry, *, provider: str, name: str,
    config: Mapping[str, Any], more: Mapping[str, Any],
) -> IdentityProvider:  # fmt: skip
    """Configure a provider; `more` holds fields of the row as `update` takes them.

    Raises:
        ConfigError: unknown provider, or the config does not fit.
        FeatureOff: the edition has not got it.
        Denied: the actor is no owner; or vouches for domains, or lists it, and is no platform admin.
        Conflict: the name is taken.
    """
    actor.require(MANAGE)
    entry = await _offered(session, registry, provider)
    parse_config(entry.manifest.config, dict(config))
    if len(await list_(session, actor)) >= PROVIDERS_MAX:
        raise Conflict(f"an organization has at most {PROVIDERS_MAX} identity providers; remove one first")
    row = IdentityProvider(
        organization_id=actor.organization_id, id=new_id(), provider=provider, name="", config="", group_roles={},
        domains=[], listed=False, created_by=actor.user_id,
    )  # fmt: skip
    row.config = await seal(session, ring, row, config)
    await _change(session, actor, row, {"name": name, **more})
    session.add(row)
    await session.flush()
    return row


async def get(session: AsyncSession, actor: Actor, provider_id: UUID) -> IdentityProvider:
    """A configured provider.

    Raises:
        NotFound: it does not exist or belongs to others.
    """
    actor.require(MANAGE)
    row = await session.get(IdentityProvider, (actor.organization_id, provider_id))
    if row is None:
        raise NotFound("there is no such identity provider", resource="identity_provider")
    return row


async def list_(session: AsyncSession, actor: Actor) -> Sequence[IdentityProvider]:
    """All of the organization, by name."""
    actor.require(MANAGE)
    query = sa.select(IdentityProvider).where(IdentityProvider.organization_id == actor.organization_id)
    return (await session.scalars(query.order_by(sa.func.lower(IdentityProvider.name)))).all()


async def update(
    session: AsyncSession, actor: Actor, ring: KeyRing, registry: Registry, provider_id: UUID,
    changes: Mapping[str, Any], *, row_version: int,
) -> IdentityProvider:  # fmt: skip
    """Change what is given; secrets that the config leaves out stay.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
        Denied, ConfigError, FeatureOff: as with `create`; a listed one is changed by platform admins only.
    """
    row = await get(session, actor, provider_id)
    check_version(row.row_version, row_version)
    if row.listed:
        actor.require(TRUST)
    if "config" in changes:
        entry = await _offered(session, registry, row.provider)
        config = secrets.merged(entry.manifest, await open_config(session, ring, row), changes["config"])
        parse_config(entry.manifest.config, config)
        row.config = await seal(session, ring, row, config)
    await _change(session, actor, row, {name: value for name, value in changes.items() if name != "config"})
    row.updated_at = now()
    await session.flush()
    return row


async def delete(session: AsyncSession, actor: Actor, provider_id: UUID) -> None:
    """Remove it with its identities; members stay and may choose a password, sign-ins last as long as they were to."""
    row = await get(session, actor, provider_id)
    if row.listed:
        actor.require(TRUST)
    await session.delete(row)
    await session.flush()


async def identities_of(
    session: AsyncSession, actor: Actor, provider_id: UUID, *, limit: int, offset: int
) -> tuple[Sequence[Identity], int]:
    """Who has come by a provider, latest first."""
    await get(session, actor, provider_id)
    query = sa.select(Identity).where(
        Identity.organization_id == actor.organization_id, Identity.provider_id == provider_id
    )
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    ordered = query.order_by(Identity.last_sign_in_at.desc().nulls_last(), Identity.id)
    return (await session.scalars(ordered.limit(limit).offset(offset))).all(), total or 0


async def unlink(session: AsyncSession, actor: Actor, provider_id: UUID, identity_id: UUID) -> None:
    """Forget who a subject is; the member stays, and may choose a password.

    Raises:
        NotFound: there is no such identity of this provider.
    """
    await get(session, actor, provider_id)
    row = await session.get(Identity, (actor.organization_id, identity_id))
    if row is None or row.provider_id != provider_id:
        raise NotFound("there is no such identity", resource="identity")
    alone = sa.update(Membership).where(
        Membership.organization_id == actor.organization_id, Membership.user_id == row.user_id,
        Membership.provider_id == provider_id,
    )  # fmt: skip
    await session.execute(alone.values(provider_id=None))
    await session.delete(row)
    await session.flush()


async def _offered(session: AsyncSession, registry: Registry, provider: str) -> AuthEntry:
    entry = registry.auth_provider(provider)
    if entry.manifest.kind == "password":
        raise ConfigError(f"'{provider}' is part of the installation and needs no configuration", field="provider")
    if entry.manifest.feature:
        await require_feature(session, entry.manifest.feature)
    return entry


async def _change(session: AsyncSession, actor: Actor, row: IdentityProvider, changes: dict[str, Any]) -> None:
    if "domains" in changes:
        changes["domains"] = sorted({domain.strip().lower().lstrip("@") for domain in changes["domains"]} - {""})
    for name in _TRUSTED:
        if name in changes and changes[name] != getattr(row, name):
            actor.require(TRUST)
    if "name" in changes:
        changes["name"] = clean_name(changes["name"], "identity provider")
        await _refuse_taken(session, row, changes["name"])
    if changes.get("default_role"):
        changes["default_role"] = role_named(changes["default_role"])
    if "group_roles" in changes:
        changes["group_roles"] = {group: role_named(role) for group, role in changes["group_roles"].items()}
    for role in {changes.get("default_role"), *changes.get("group_roles", {}).values()} - {None}:
        await require_role(session, actor, role)
    low, high = SESSION_HOURS
    if not low <= changes.get("session_hours", low) <= high:
        raise ConfigError(f"a sign-in lasts {low} to {high} hours", field="session_hours")
    for name, value in changes.items():
        setattr(row, name, value)


async def _refuse_taken(session: AsyncSession, row: IdentityProvider, name: str) -> None:
    query = sa.select(IdentityProvider.id).where(
        IdentityProvider.organization_id == row.organization_id, IdentityProvider.id != row.id,
        sa.func.lower(IdentityProvider.name) == name.lower(),
    )  # fmt: skip
    if await session.scalar(query) is not None:
        raise Conflict(f"there is an identity provider '{name}' already; choose another name", field="name")


async def note_refusal(session: AsyncSession, row: IdentityProvider, detail: str) -> None:
    """Keep why somebody was refused; no change of the row as its owners see it."""
    note = sa.update(IdentityProvider).where(
        IdentityProvider.organization_id == row.organization_id, IdentityProvider.id == row.id
    )
    said = {"last_refusal": detail[:300], "last_refused_at": now(), "updated_at": IdentityProvider.updated_at}
    await session.execute(note.values(said))
