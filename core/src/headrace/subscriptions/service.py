"""Event subscriptions for the API: the only door to their table. The session is of the actor's organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections.service import Vault
from headrace.flows.service import check_version
from headrace.infra.clock import now
from headrace.infra.datakeys import organization_cipher, sealing_cipher
from headrace.infra.ids import new_id
from headrace.sdk.egress import check_url
from headrace.sdk.errors import ConfigError, NotFound
from headrace.subscriptions.models import EventSubscription
from headrace.triggers.addresses import new_signing_key
from headrace.triggers.callers import sign

EVENTS = (
    "execution.queued", "execution.running", "execution.waiting", "execution.cancelling", "execution.completed",
    "execution.failed", "execution.cancelled", "execution.timed_out",
    "flow.created", "flow.updated", "flow.status_changed", "flow.deleted", "flow.restored",
    "connection.created", "connection.updated", "connection.tested", "connection.deleted",
)  # fmt: skip
"""What the database tells (migration 0012), each in the transaction in which it happens."""
PATTERNS = ("*", *dict.fromkeys(name.partition(".")[0] + ".*" for name in EVENTS))
OVERLAP_HOURS = 24
_PLACE: dict[str, str] = {"table": "event_subscriptions", "field": "secrets"}


async def create(
    session: AsyncSession, actor: Any, vault: Vault, *, url: str, events: Sequence[str], name: str = "",
    secret: str = "", is_active: bool = True,
) -> EventSubscription:  # fmt: skip
    """Tell an address of events from now on.

    Raises:
        ConfigError: the address is not allowed, an event is not known, or the secret is none.
    """
    row = EventSubscription(
        organization_id=actor.organization_id, id=new_id(), name=name, url=_address(url), events=_known(events),
        is_active=is_active, created_by=actor.user_id, updated_by=actor.user_id,
    )  # fmt: skip
    await _seal(session, vault, row, {"secret": _key(secret or new_signing_key())})
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


async def get(session: AsyncSession, actor: Any, subscription_id: UUID) -> EventSubscription:
    """A subscription.

    Raises:
        NotFound: it does not exist or belongs to others.
    """
    row = await session.get(EventSubscription, (actor.organization_id, subscription_id))
    if row is None:
        raise NotFound("there is no such event subscription", resource="event_subscription")
    return row


async def list_(
    session: AsyncSession, actor: Any, *, limit: int = 20, offset: int = 0
) -> tuple[Sequence[EventSubscription], int]:
    """A page of subscriptions, newest first, and how many there are."""
    query = sa.select(EventSubscription).where(EventSubscription.organization_id == actor.organization_id)
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    order = (EventSubscription.created_at.desc(), EventSubscription.id)
    rows = await session.scalars(query.order_by(*order).limit(limit).offset(offset))
    return rows.all(), total or 0


async def update(
    session: AsyncSession, actor: Any, vault: Vault, subscription_id: UUID, changes: Mapping[str, Any],
    row_version: int | None,
) -> EventSubscription:  # fmt: skip
    """Change a subscription; one that is given another address, or switched on, is tried at once.

    Raises:
        PreconditionRequired, PreconditionFailed: no base version, or a stale one.
        ConfigError: the address is not allowed, an event is not known, or the secret is none.
    """
    row = await get(session, actor, subscription_id)
    check_version(row.row_version, row_version, "subscription")
    if "url" in changes:
        row.url = _address(changes["url"])
    if "events" in changes:
        row.events = _known(changes["events"])
    if changes.get("secret"):
        await _seal(session, vault, row, {"secret": _key(changes["secret"])})
        row.previous_until = None
    for name in ("name", "is_active"):
        if name in changes:
            setattr(row, name, changes[name])
    if "url" in changes or changes.get("is_active"):
        row.failures, row.open_until, row.error = 0, None, None
    row.updated_by, row.updated_at = actor.user_id, now()
    await session.flush()
    await session.refresh(row)
    return row


async def delete(session: AsyncSession, actor: Any, subscription_id: UUID) -> None:
    """Tell the address nothing more; its log goes as well."""
    await session.delete(await get(session, actor, subscription_id))
    await session.flush()


async def rotate(
    session: AsyncSession, actor: Any, vault: Vault, subscription_id: UUID, *, overlap_hours: float = OVERLAP_HOURS
) -> EventSubscription:
    """Make a new secret; for `overlap_hours` deliveries are signed with both."""
    row = await get(session, actor, subscription_id)
    stored = await open_secrets(session, vault, row.organization_id, row.id, row.secrets)
    await _seal(session, vault, row, {"secret": new_signing_key(), "previous": stored["secret"]})
    row.previous_until = now() + timedelta(hours=overlap_hours) if overlap_hours else None
    row.updated_by, row.updated_at = actor.user_id, now()
    await session.flush()
    await session.refresh(row)
    return row


async def open_secrets(
    session: AsyncSession, vault: Vault, organization_id: UUID, row_id: UUID, sealed: str
) -> dict[str, str]:
    """`secret`, and `previous` after a rotation."""
    cipher = await organization_cipher(session, vault.ring, organization_id)
    return msgspec.json.decode(cipher.decrypt(sealed, row_id=row_id, **_PLACE), type=dict[str, str])


async def _seal(session: AsyncSession, vault: Vault, row: EventSubscription, values: Mapping[str, str]) -> None:
    cipher = await sealing_cipher(session, vault.ring, row.organization_id)
    row.secrets = cipher.encrypt(msgspec.json.encode(values), row_id=row.id, **_PLACE)


def _address(url: str) -> str:
    return check_url(url.strip()).url


def _key(secret: str) -> str:
    try:
        sign(secret, "probe", 0, b"")
    except ConfigError:
        raise ConfigError("a secret is whsec_ and at least 16 bytes of base64; leave it out to get one",
                          field="secret") from None  # fmt: skip
    return secret


def _known(events: Sequence[str]) -> list[str]:
    unknown = next((name for name in events if name not in EVENTS and name not in PATTERNS), None)
    if unknown is not None:
        raise ConfigError(f"there is no event '{unknown[:80]}'; choose {', '.join(PATTERNS)} or a name of the list",
                          field="events")  # fmt: skip
    if not events:
        raise ConfigError("name at least one event, e.g. execution.failed", field="events")
    return list(dict.fromkeys(events))
