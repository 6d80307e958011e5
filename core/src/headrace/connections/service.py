"""Connections: the only door to their table. Configs are encrypted as a whole; nothing commits here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.access.resolve import reached
from headrace.connections import secrets
from headrace.connections.addresses import moved
from headrace.connections.models import Connection, ConnectionToken
from headrace.connections.references import filled
from headrace.entitlements.service import require_features, require_writable, reserve
from headrace.infra.clock import now
from headrace.infra.crypto import KeyRing
from headrace.infra.datakeys import organization_cipher, sealing_cipher
from headrace.infra.ids import new_id
from headrace.infra.merge_patch import merge_patch
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import Registry
from headrace.sdk.config import parse_config
from headrace.sdk.errors import Conflict, NotFound


class Vault:
    """Reads and writes the encrypted config of a connection."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring

    async def seal(self, session: AsyncSession, organization_id: UUID, row_id: UUID, config: Mapping[str, Any]) -> str:
        """Encrypt a config for one row."""
        cipher = await sealing_cipher(session, self.ring, organization_id)
        return cipher.encrypt(msgspec.json.encode(config), table="connections", row_id=row_id, field="config")

    async def open(self, session: AsyncSession, connection: Connection) -> dict[str, Any]:
        """Decrypt the config of a row."""
        cipher = await organization_cipher(session, self.ring, connection.organization_id)
        plain = cipher.decrypt(connection.config, table="connections", row_id=connection.id, field="config")
        config: dict[str, Any] = msgspec.json.decode(plain)
        return config


async def create(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, *, name: str, connector: str,
    config: Mapping[str, Any], workspace_id: UUID | None = None, description: str = "",
) -> Connection:  # fmt: skip
    """Store a connection.

    Raises:
        ConfigError: unknown connector, or the config does not fit.
        Conflict: the name is taken.
        LimitReached: the plan's connections are used up.
        FeatureOff: the connector is of a feature that the edition has not got.
    """
    manifest = registry.connector(connector).manifest
    parse_config(manifest.config, filled(manifest, config))
    await require_features(session, [manifest.feature])
    await _refuse_taken(session, actor.organization_id, name)
    within = {"workspace": workspace_id, "user": actor.user_id}
    await reserve(session, "connections", organization_id=actor.organization_id, within=within)
    row_id = new_id()
    row = Connection(
        organization_id=actor.organization_id, id=row_id, workspace_id=workspace_id, name=name, description=description,
        connector=connector, config=await vault.seal(session, actor.organization_id, row_id, config),
        created_by=actor.user_id, updated_by=actor.user_id,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


async def _refuse_taken(session: AsyncSession, organization_id: UUID, name: str, but: UUID | None = None) -> None:
    query = _live(organization_id).where(sa.func.lower(Connection.name) == name.lower())
    row = await session.scalar(query)
    if row is not None and row.id != but:
        raise Conflict(f"there is a connection '{name}' already; choose another name", field="name")


def _live(organization_id: UUID) -> sa.Select[Any]:
    return sa.select(Connection).where(Connection.organization_id == organization_id, Connection.deleted_at.is_(None))


async def get(session: AsyncSession, actor: Any, connection_id: UUID) -> Connection:
    """A connection.

    Raises:
        NotFound: it does not exist, is deleted, or belongs to others.
    """
    row = await session.get(Connection, (actor.organization_id, connection_id))
    if row is None or row.deleted_at is not None:
        raise NotFound("there is no such connection", resource="connection")
    return row


async def list_(
    session: AsyncSession, actor: Any, *, connector: str | None = None, q: str = "", limit: int = 20, offset: int = 0,
    among: Collection[str] | None = None,
) -> tuple[Sequence[Connection], int]:  # fmt: skip
    """A page of the connections that the actor may read, by name, and how many there are in all.

    With `among`, only those of these connectors.
    """
    query = _live(actor.organization_id).where(reached(actor, "connection:read", "connection", Connection.id))
    if connector:
        query = query.where(Connection.connector == connector)
    if among is not None:
        query = query.where(Connection.connector.in_(list(among)))
    if q:
        query = query.where(Connection.name.icontains(q, autoescape=True))
    total = await session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = await session.scalars(query.order_by(sa.func.lower(Connection.name)).limit(limit).offset(offset))
    return rows.all(), total or 0


async def names(session: AsyncSession, organization_id: UUID) -> frozenset[str]:
    """Names and ids of all connections, as flows may use them."""
    rows = (await session.scalars(_live(organization_id))).all()
    return frozenset(text for row in rows for text in (row.name, str(row.id)))


async def update(
    session: AsyncSession, actor: Any, vault: Vault, registry: Registry, connection_id: UUID,
    changes: Mapping[str, Any], *, whole: bool = False,
) -> Connection:  # fmt: skip
    """Change name, description or config; secrets that are left out stay.

    A config is a merge patch over the stored one, or the `whole` of it.

    Raises:
        LimitReached: after a downgrade, it is beyond what the plan allows.
    """
    row = await get(session, actor, connection_id)
    await require_writable(session, "connections", connection_id, organization_id=actor.organization_id)
    if "name" in changes:
        await _refuse_taken(session, actor.organization_id, changes["name"], connection_id)
        row.name = changes["name"]
    if "description" in changes:
        row.description = changes["description"]
    if "config" in changes:
        manifest = registry.connector(row.connector).manifest
        before = await vault.open(session, row)
        given = changes["config"] if whole else merge_patch(secrets.without(manifest, before), changes["config"])
        config = secrets.merged(manifest, before, given)
        parse_config(manifest.config, filled(manifest, config))
        row.config = await vault.seal(session, actor.organization_id, row.id, config)
        row.test_status, row.test_result, row.health_status = "untested", None, "unknown"
        others = secrets.values(manifest, before) != secrets.values(manifest, config)
        if manifest.oauth and (others or moved(manifest, before, config)):
            await forget_token(session, row)
    row.updated_by, row.updated_at = actor.user_id, now()
    await session.flush()
    return row


async def forget_token(session: AsyncSession, row: Connection) -> None:
    """Somebody has to connect again: where tokens were sent to, or whose they are, has changed."""
    mine = (ConnectionToken.organization_id == row.organization_id, ConnectionToken.id == row.id)
    await session.execute(sa.delete(ConnectionToken).where(*mine))


async def delete(session: AsyncSession, actor: Any, connection_id: UUID) -> None:
    """Move a connection to the trash; `flows.uses.refuse_used` tells whether that hurts."""
    row = await get(session, actor, connection_id)
    row.deleted_at, row.updated_by = now(), actor.user_id
    await forget_token(session, row)
    await session.flush()


async def restore(session: AsyncSession, actor: Any, registry: Registry, connection_id: UUID) -> Connection:
    """Bring back a connection from the trash; where a person had agreed, they do so again.

    Raises:
        NotFound: it is not deleted, or there is none.
        Conflict: its name has been taken meanwhile.
        LimitReached, FeatureOff: the plan has no room for it, or not its connector.
    """
    row = await session.get(Connection, (actor.organization_id, connection_id), with_for_update=True)
    if row is None or row.deleted_at is None:
        raise NotFound("there is no such deleted connection", resource="connection")
    if (known := registry.connectors.get(row.connector)) is not None:
        await require_features(session, [known.manifest.feature])
    await _refuse_taken(session, actor.organization_id, row.name)
    within = {"workspace": row.workspace_id, "user": row.created_by}
    await reserve(session, "connections", organization_id=actor.organization_id, within=within)
    row.deleted_at, row.updated_by = None, actor.user_id
    await session.flush()
    return row


async def resolve(
    session: AsyncSession, vault: Vault, organization_id: UUID, wanted: Iterable[str]
) -> dict[str, ConnectionSpec]:
    """Connector and decrypted config of connections, by the name or id that a flow uses; unknown ones are left out."""
    asked = set(wanted)
    if not asked:
        return {}
    found: dict[str, ConnectionSpec] = {}
    known = sa.or_(Connection.name.in_(asked), sa.cast(Connection.id, sa.Text).in_(asked))
    for row in (await session.scalars(_live(organization_id).where(known))).all():
        for key in asked & {row.name, str(row.id)}:
            found[key] = ConnectionSpec(row.connector, await vault.open(session, row), str(row.id))
    return found
