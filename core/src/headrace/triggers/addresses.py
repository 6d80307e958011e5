"""Addresses of webhooks, forms and chats: a random key, an own path beside it, and who they lead to."""

from __future__ import annotations

import secrets
from base64 import b64encode
from hashlib import sha256
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.infra.database import Database, set_tenant
from headrace.infra.ids import new_id
from headrace.sdk.errors import Conflict
from headrace.triggers.models import Trigger
from headrace.triggers.secrets import KEY

KEY_BYTES = 16
PLACES = {"webhook": "hooks", "form": "forms", "chat": "chats"}
"""Where the addresses of a mode begin."""
_SHOW = sa.text("SELECT set_config('app.hook', :hash, true)")
_FIND = sa.text("""
SELECT organization_id, id FROM triggers
WHERE (hook_hash = :hash OR alias_hash = :hash) AND mode = :mode AND deleted_at IS NULL
""")
_SLUG = sa.text("SELECT slug FROM organizations WHERE id = :organization_id")


async def give(session: AsyncSession, row: Trigger, config: Any, kept: dict[str, Any]) -> None:
    """Give a webhook or page its address: made once; the own path follows the configuration. `kept` are its secrets.

    Raises:
        Conflict: another one has the own path.
    """
    if row.id is None:
        row.id = new_id()
    if KEY not in kept:
        kept[KEY] = secrets.token_urlsafe(KEY_BYTES)
    if config.authentication == "hmac" and not kept.get("signing_key"):
        kept["signing_key"] = new_signing_key()
    row.hook_hash = digest(kept[KEY])
    if not config.url_path:
        row.alias = row.alias_hash = None
        return
    taken = sa.select(Trigger.id).where(
        Trigger.organization_id == row.organization_id, Trigger.alias == config.url_path, Trigger.id != row.id,
        Trigger.deleted_at.is_(None),
    )  # fmt: skip
    with session.no_autoflush:
        if await session.scalar(taken):
            raise Conflict(
                f"another webhook, form or chat has the path '{config.url_path}'; choose another", field="url_path"
            )
        slug = await slug_of(session, row)
    row.alias, row.alias_hash = config.url_path, digest(f"{slug}/{config.url_path}")


def new_signing_key() -> str:
    """A key of 256 bits, as Standard Webhooks writes them."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


async def slug_of(session: AsyncSession, row: Trigger) -> str:
    """The name of the organization in addresses."""
    return str(await session.scalar(_SLUG, {"organization_id": row.organization_id}))


async def find(session: AsyncSession, place: str, *, mode: str) -> tuple[UUID, UUID] | None:
    """Organization and trigger of an address: a key, `slug/path`, or `organization id/path`.

    The session is of no organization; the row-level policy shows the one row whose address is shown to it.
    """
    organization, _, path = place.partition("/")
    if path:
        try:
            return await _by_id(session, UUID(organization), path, mode)
        except ValueError:
            pass
    hashed = digest(place)
    await session.execute(_SHOW, {"hash": hashed.hex()})
    row = (await session.execute(_FIND, {"hash": hashed, "mode": mode})).one_or_none()
    return (row.organization_id, row.id) if row else None


async def _by_id(session: AsyncSession, organization_id: UUID, path: str, mode: str) -> tuple[UUID, UUID] | None:
    await set_tenant(session, organization_id)
    query = sa.select(Trigger).where(
        Trigger.organization_id == organization_id,
        Trigger.alias == path,
        Trigger.mode == mode,
        Trigger.deleted_at.is_(None),
    )
    found = await session.scalar(query)
    return (organization_id, found.id) if found else None


def digest(place: str) -> bytes:
    """What is stored of an address."""
    return sha256(f"headrace-hook|{place}".encode()).digest()


async def find_anywhere(database: Database, place: str, *, mode: str) -> tuple[UUID, UUID] | None:
    """The same, also of organizations that have a database of their own."""
    async with database.transaction() as session:
        found = await find(session, place, mode=mode)
    for one in [] if found else (await database.everywhere())[1:]:
        async with one.transaction() as session:
            found = found or await find(session, place, mode=mode)
    return found
