"""API keys: for programs of a person or of a service account. A key may do what it names and its owner still may."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.models import ApiKey, Membership, User
from headrace.accounts.permissions import EVERY, PLATFORM, Actor, permissions_named
from headrace.accounts.rights import require_all, rights_of
from headrace.accounts.service import check_version, clean_name, member_and_user
from headrace.infra.clock import now
from headrace.infra.database import set_tenant
from headrace.infra.ids import new_id
from headrace.sdk.errors import ConfigError, Denied, NotFound, Unauthenticated

PREFIX = "hrk_live_"
PATTERN = r"hrk_live_[0-9a-z]{8}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}"
"""What secret scanners look for."""
OVERLAP_MAX = timedelta(days=7)
_TEXT = re.compile(PATTERN)
_TOUCH = timedelta(minutes=1)
_DEAD = "the API key is not valid; use another one"
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_SHOW = sa.text("SELECT set_config('app.key', :hash, true)")


class NewKey(Struct, frozen=True):
    """A key and its text, which is never seen again."""

    row: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.row.id})"


async def create(
    session: AsyncSession, actor: Actor, *, name: str, permissions: Collection[str], user_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> NewKey:  # fmt: skip
    """Make a key for oneself, or for a service account.

    Raises:
        ConfigError: a permission is not known, or the expiry is past.
        Denied: a permission that the actor or the owner has not got, or a key for another person.
        NotFound: there is no such service account.
    """
    owner = await _owner(session, actor, user_id or actor.user_id)
    held = (await rights_of(session, actor.organization_id, owner.role)).permissions
    row = ApiKey(
        organization_id=actor.organization_id, id=new_id(), user_id=owner.user_id, created_by=actor.user_id,
        name=_name(name), permissions=_scopes(actor, held, permissions), expires_at=_expiry(expires_at),
    )  # fmt: skip
    text = _give_key(row)
    session.add(row)
    await session.flush()
    return NewKey(row, text)


async def find(session: AsyncSession, actor: Actor, key_id: UUID, *, lock: bool = False) -> ApiKey:
    """One of the actor's keys; any of the organization for who may manage keys.

    Raises:
        NotFound: otherwise.
    """
    row = await session.get(ApiKey, (actor.organization_id, key_id), with_for_update=lock, populate_existing=lock)
    if row is None or row.revoked_at is not None or not (row.user_id == actor.user_id or actor.may("apikey:manage")):
        raise NotFound("there is no such API key", resource="api_key")
    return row


async def list_keys(
    session: AsyncSession, actor: Actor, *, user_id: UUID | None = None, limit: int, offset: int
) -> tuple[Sequence[ApiKey], int]:
    """Keys that are not revoked, newest first: the actor's own, or those of `user_id` or of all for who may manage."""
    query = sa.select(ApiKey).where(ApiKey.organization_id == actor.organization_id, ApiKey.revoked_at.is_(None))
    if not actor.may("apikey:manage"):
        query = query.where(ApiKey.user_id == actor.user_id)
    if user_id is not None:
        query = query.where(ApiKey.user_id == user_id)
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(query.order_by(ApiKey.created_at.desc(), ApiKey.id).limit(limit).offset(offset))
    return rows.all(), total or 0


async def rename(session: AsyncSession, actor: Actor, key_id: UUID, *, name: str, row_version: int) -> ApiKey:
    """Change its name; what it may do never changes.

    Raises:
        PreconditionFailed: `row_version` is not the present one.
    """
    row = await find(session, actor, key_id)
    check_version(row.row_version, row_version)
    row.name = _name(name)
    await session.flush()
    return row


async def rotate(session: AsyncSession, actor: Actor, key_id: UUID, *, overlap: timedelta = timedelta(0)) -> NewKey:
    """A new key in place of this one, which stays good for `overlap`.

    Raises:
        ConfigError: more than 7 days of overlap.
        Denied: it is another person's, or may do what the actor may not.
    """
    row = await find(session, actor, key_id, lock=True)
    owner = await _owner(session, actor, row.user_id)
    held = (await rights_of(session, actor.organization_id, owner.role)).permissions
    require_all(actor, held & frozenset(row.permissions), f"the key '{row.name}'")
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise ConfigError("a rotated key stays good for at most 7 days", field="overlap_s")
    row.previous_hash, row.previous_until = (row.key_hash, now() + overlap) if overlap else (None, None)
    text = _give_key(row)
    await session.flush()
    return NewKey(row, text)


async def revoke(session: AsyncSession, actor: Actor, key_id: UUID) -> None:
    """End a key; the next request with it is refused."""
    row = await find(session, actor, key_id, lock=True)
    row.revoked_at = now()
    await session.flush()


async def actor_by_key(session: AsyncSession, text: str, *, ip_address: str = "") -> Actor:
    """Whom a key stands for, as of now; the transaction then is of that organization.

    Raises:
        Unauthenticated: mistyped, unknown, expired, revoked, or its owner is not active; one and the same answer.
    """
    if not well_formed(text):
        raise Unauthenticated(_DEAD)
    given = hashlib.sha256(text.encode()).digest()
    await session.execute(_SHOW, {"hash": given.hex()})
    row = await session.scalar(sa.select(ApiKey).where(sa.or_(ApiKey.key_hash == given, ApiKey.previous_hash == given)))
    if row is None or not _alive(row, given):
        raise Unauthenticated(_DEAD)
    await set_tenant(session, row.organization_id, user_id=row.user_id)
    found = await member_and_user(session, row.organization_id, row.user_id)
    if found is None:
        raise Unauthenticated(_DEAD)
    if row.last_used_at is None or now() - row.last_used_at > _TOUCH:
        values = {"last_used_at": now(), "last_used_ip": ip_address[:64]}
        mine = (ApiKey.organization_id == row.organization_id, ApiKey.id == row.id)
        await session.execute(
            sa.update(ApiKey).where(*mine).values(**values).execution_options(synchronize_session=False)
        )
    return await _actor(session, row, *found)


async def actor_again(session: AsyncSession, actor: Actor) -> Actor:
    """Whom a key that was shown before stands for now.

    Raises:
        Unauthenticated: it has ended, or its owner is not active.
    """
    await set_tenant(session, actor.organization_id, user_id=actor.user_id)
    row = await session.get(ApiKey, (actor.organization_id, actor.key_id))
    found = await member_and_user(session, row.organization_id, row.user_id) if row else None
    if row is None or found is None or row.revoked_at is not None or (row.expires_at and row.expires_at <= now()):
        raise Unauthenticated(_DEAD)
    return await _actor(session, row, *found)


def well_formed(text: str) -> bool:
    """Whether it is a key that was not mistyped; no database is asked for others."""
    return bool(_TEXT.fullmatch(text)) and text[-8:] == _checksum(text[:-9])


async def _actor(session: AsyncSession, row: ApiKey, user: User, membership: Membership) -> Actor:
    rights = await rights_of(session, row.organization_id, membership.role)
    held, named = rights.permissions | (PLATFORM if user.is_platform_admin else frozenset()), frozenset(row.permissions)
    return Actor(
        organization_id=row.organization_id, user_id=row.user_id, role=membership.role, role_name=rights.name,
        key_id=row.id, permissions=held & named, scopes=named,
    )  # fmt: skip


def _alive(row: ApiKey, given: bytes) -> bool:
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now()):
        return False
    if secrets.compare_digest(row.key_hash, given):
        return True
    return row.previous_until is not None and row.previous_until > now()


def _give_key(row: ApiKey) -> str:
    public = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    stem = f"{PREFIX}{public}_{secrets.token_urlsafe(32)}"
    text = f"{stem}_{_checksum(stem)}"
    row.hint, row.key_hash = f"{PREFIX}{public}", hashlib.sha256(text.encode()).digest()
    return text


def _checksum(stem: str) -> str:
    return f"{zlib.crc32(stem.encode()):08x}"


def _name(name: str) -> str:
    name = clean_name(name, "key")
    if len(name) > 100:
        raise ConfigError("the name of a key has at most 100 characters", field="name")
    return name


def _expiry(at: datetime | None) -> datetime | None:
    if at is not None and (at.tzinfo is None or at <= now()):
        raise ConfigError("a key expires in the future; give the time with its zone", field="expires_at")
    return at


def _scopes(actor: Actor, held: frozenset[str], permissions: Collection[str]) -> list[str]:
    if not permissions:
        raise ConfigError("a key may do something; name its permissions", field="permissions")
    named = {one for name in permissions for one in permissions_named(name)}
    for name in sorted(named):
        if name not in EVERY:
            raise ConfigError(f"there is no permission '{name}'", field="permissions")
        if not actor.may(name) or name not in held | PLATFORM:
            raise Denied(f"a key may do what its owner may and you may; '{name}' is not of it", permission=name)
    return sorted(named)


async def _owner(session: AsyncSession, actor: Actor, user_id: UUID | None) -> Membership:
    found = await member_and_user(session, actor.organization_id, user_id) if user_id else None
    if found is None or (user_id != actor.user_id and not actor.may("apikey:manage")):
        raise NotFound("there is no such service account", resource="service_account")
    user, membership = found
    if user_id != actor.user_id and user.kind != "service":
        raise Denied("keys of people are made by themselves; make one for a service account")
    return membership
