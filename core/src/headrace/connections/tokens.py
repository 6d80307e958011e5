"""Tokens of connections that a person connected: kept encrypted, renewed once however many workers want one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec
from msgspec import Struct, structs
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections.models import Connection, ConnectionToken
from headrace.connections.references import filled, refuse
from headrace.connections.service import Vault
from headrace.infra.clock import now
from headrace.infra.database import Database
from headrace.infra.datakeys import organization_cipher, sealing_cipher
from headrace.kits.http.tokens import Granted, address, ask
from headrace.plugins.records import ConnectionSpec
from headrace.plugins.registry import Registry
from headrace.sdk.config import parse_config, to_builtins
from headrace.sdk.egress_http import EgressClient
from headrace.sdk.errors import AuthError
from headrace.sdk.manifests import OAuthFlow

EARLY = timedelta(seconds=60)
"""An access token is renewed so long before it ends."""
DEADLINE_S = 20.0
CHOICE, BY_PERSON = "auth", "oauth2_code"
"""A config that lets one choose how to sign in has this field; somebody has to connect it when it has this value."""
_LOCKS: WeakValueDictionary[tuple[int, UUID], asyncio.Lock] = WeakValueDictionary()
_AGAIN = "open the connection and connect again"


class Tokens(Struct, frozen=True):
    """What is kept, encrypted."""

    access: str
    refresh: str = ""


def settled(registry: Registry, connector: str, config: Mapping[str, Any]) -> tuple[OAuthFlow, dict[str, Any]] | None:
    """How a person connects a connection, and its config with defaults filled in; None when nobody has to.

    Raises:
        ConfigError: its secrets are references, which only workers may read; or the config does not fit.
    """
    entry = registry.connectors.get(connector)
    if entry is None or entry.manifest.oauth is None:
        return None
    whole = to_builtins(parse_config(entry.manifest.config, filled(entry.manifest, config)))
    if whole.get(CHOICE, BY_PERSON) != BY_PERSON:
        return None
    refuse(entry.manifest, config)
    return entry.manifest.oauth, whole


def config_value(config: Mapping[str, Any]) -> Callable[[str], str]:
    """Values of a config as texts; what is not there is empty."""
    return lambda name: str(config.get(name) or "")


def request(flow: OAuthFlow, config: Mapping[str, Any], form: Mapping[str, str]) -> Granted:
    """Ask the token address of a flow; blocks.

    Raises:
        AuthError, TransientError, ConfigError: see `kits.http.tokens.ask`.
    """
    value = config_value(config)
    client = EgressClient(deadline_s=DEADLINE_S)
    try:
        url = address(flow.token_url, "token_url", value)
        who = (value(flow.client_id), value(flow.client_secret))
        return ask(client, url, form, client_auth=flow.client_auth, who=who, field=flow.client_secret)
    finally:
        client.close()


async def keep(session: AsyncSession, vault: Vault, row: Connection, granted: Granted, *, user_id: UUID | None) -> None:
    """Keep what was granted; what was there before is replaced."""
    tokens = Tokens(granted.access_token, granted.refresh_token)
    found = await session.get(ConnectionToken, (row.organization_id, row.id), with_for_update=True)
    made = found or ConnectionToken(organization_id=row.organization_id, id=row.id)
    await _seal(session, vault, made, tokens, granted.lasts_s)
    made.connected_by, made.connected_at, made.problem = user_id, now(), ""
    session.add(made)
    await session.flush()


async def fresh(
    database: Database, vault: Vault, registry: Registry, organization_id: UUID, connection_id: UUID, refused: str = ""
) -> str:
    """An access token that is good for a while, another one than `refused`.

    Whoever comes first holds the row while it asks for a new one; the others then find that.

    Raises:
        AuthError: nobody has connected it, or the other side has ended it: it says to connect again.
        TransientError: the other side does not answer.
    """
    mine = _LOCKS.setdefault((id(database), connection_id), asyncio.Lock())
    async with mine:  # one of this process waits at the row, the others here: they hold no database connection
        return await _fresh(database, vault, registry, organization_id, connection_id, refused)


async def _fresh(
    database: Database, vault: Vault, registry: Registry, organization_id: UUID, connection_id: UUID, refused: str
) -> str:
    problem: AuthError | None = None
    async with database.transaction(organization_id) as session:
        connection = await session.get(Connection, (organization_id, connection_id))
        row = await session.get(ConnectionToken, (organization_id, connection_id), with_for_update=True)
        if connection is None or row is None:
            name = connection.name if connection else "it"
            raise AuthError(f"nobody has connected '{name}'; open the connection and connect")
        if row.problem:
            raise AuthError(f"'{connection.name}' is not connected any more: {row.problem}; {_AGAIN}")
        tokens = await _open(session, vault, row)
        if row.expires_at > now() + EARLY and tokens.access != refused:
            return tokens.access
        flow = settled(registry, connection.connector, await vault.open(session, connection))
        try:
            granted = await _renewed(flow, tokens)
        except AuthError as error:
            code = str(error.details.get("error") or "its sign-in is over")
            row.problem = f"the other side refuses to renew it ({code})"
            problem = AuthError(f"'{connection.name}' is not connected any more: {row.problem}; {_AGAIN}")
        else:
            tokens = Tokens(granted.access_token, granted.refresh_token or tokens.refresh)
            await _seal(session, vault, row, tokens, granted.lasts_s)
    if problem is not None:  # after the commit: the others then ask in vain no more
        raise problem
    return tokens.access


def source(
    database: Database, vault: Vault, registry: Registry, organization_id: UUID, spec: ConnectionSpec
) -> Callable[[], Awaitable[str]]:
    """Gives the token of a connection when it is asked for; "" when no person connects it."""

    async def token() -> str:
        found = await with_tokens(database, vault, registry, organization_id, {"": spec})
        return found[""].token

    return token


async def with_tokens(
    database: Database, vault: Vault, registry: Registry, organization_id: UUID, specs: Mapping[str, ConnectionSpec]
) -> dict[str, ConnectionSpec]:
    """The same connections, with tokens where a person connected them.

    Raises:
        AuthError, TransientError: see `fresh`.
    """
    found = dict(specs)
    for name, spec in specs.items():
        if spec.id and settled(registry, spec.connector, spec.config):
            token = await fresh(database, vault, registry, organization_id, UUID(spec.id))
            found[name] = structs.replace(spec, token=token)
    return found


async def _renewed(flow: tuple[OAuthFlow, dict[str, Any]] | None, tokens: Tokens) -> Granted:
    if flow is None or not tokens.refresh:
        raise AuthError("it cannot be renewed", error="no refresh token")
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
    return await asyncio.to_thread(request, *flow, form)


async def status(session: AsyncSession, row: Connection) -> dict[str, Any]:
    """How a connection stands: `{connected, problem, connected_at, expires_at}`."""
    found = await session.get(ConnectionToken, (row.organization_id, row.id))
    return {
        "connected": found is not None and not found.problem,
        "problem": found.problem if found else "",
        "connected_at": found.connected_at if found else None,
        "expires_at": found.expires_at if found else None,
    }


async def _seal(session: AsyncSession, vault: Vault, row: ConnectionToken, tokens: Tokens, lasts_s: float) -> None:
    cipher = await sealing_cipher(session, vault.ring, row.organization_id)
    plain = msgspec.json.encode(tokens)
    row.tokens = cipher.encrypt(plain, table="connection_tokens", row_id=row.id, field="tokens")
    row.expires_at = datetime.now(UTC) + timedelta(seconds=max(0.0, min(lasts_s, 1e8)))


async def _open(session: AsyncSession, vault: Vault, row: ConnectionToken) -> Tokens:
    cipher = await organization_cipher(session, vault.ring, row.organization_id)
    plain = cipher.decrypt(row.tokens, table="connection_tokens", row_id=row.id, field="tokens")
    return msgspec.json.decode(plain, type=Tokens)
