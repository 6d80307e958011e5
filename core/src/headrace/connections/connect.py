"""Connecting by a person (OAuth 2): sent away with state and PKCE, good for one return in the same browser.

Or a code that is typed in elsewhere (device grant). Functions take a session; what comes of it is kept by `tokens`.
"""

from __future__ import annotations

import asyncio
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts.tokens import digest
from headrace.connections import tokens
from headrace.connections.models import Connection, ConnectionAttempt
from headrace.connections.service import Vault
from headrace.infra.clock import now
from headrace.infra.datakeys import organization_cipher, sealing_cipher
from headrace.infra.ids import new_id, new_token
from headrace.kits.http.tokens import Granted, address
from headrace.sdk.egress import check_url
from headrace.sdk.egress_http import EgressClient
from headrace.sdk.errors import AuthError, ConfigError
from headrace.sdk.manifests import OAuthFlow

LIFETIME = timedelta(minutes=10)
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_GONE = "this sign-in is over or was begun in another browser; connect again"


class Begun(Struct, frozen=True, kw_only=True):
    """Where the person goes on.

    Attributes:
        location: Address to open; of a device, where the code is typed in.
        browser: Goes into a cookie, and has to come back.
        user_code: Of a device: what is typed in.
        every_s: Of a device: how often to ask whether that has been done.
    """

    location: str
    browser: str = ""
    state: str = ""
    user_code: str = ""
    every_s: int = 0


class Kept(Struct, frozen=True, kw_only=True):
    """What was kept of an attempt."""

    connection_id: UUID
    user_id: UUID | None
    memory: dict[str, str]


def state_organization(state: str) -> UUID | None:
    """The organization that a state names; whether there is such an attempt is another question."""
    try:
        return UUID(hex=state[:32])
    except ValueError:
        return None


async def begin(
    session: AsyncSession, vault: Vault, row: Connection, flow: OAuthFlow, config: Mapping[str, Any], *,
    callback: str, user_id: UUID | None,
) -> Begun:  # fmt: skip
    """Begin to connect; attempts of this organization that are over are removed.

    Raises:
        ConfigError: an address or the client id is missing.
        AuthError, TransientError: of a device, the other side refuses or does not answer.
    """
    over = ConnectionAttempt.expires_at < now(), ConnectionAttempt.organization_id == row.organization_id
    await session.execute(sa.delete(ConnectionAttempt).where(*over))
    value = tokens.config_value(config)
    client_id = value(flow.client_id)
    if not client_id:
        raise ConfigError(f"'{flow.client_id}' is empty; enter it in the connection", field=flow.client_id)
    state, browser = f"{row.organization_id.hex}{new_token()}", new_token()
    if flow.grant == "device_code":
        said = await asyncio.to_thread(_device, flow, config)
        memory = {"device_code": said["device_code"]}
        begun = Begun(location=said["location"], user_code=said["user_code"], every_s=int(said["every_s"]), state=state)
    else:
        verifier = new_token(bytes_count=48)
        memory = {"verifier": verifier, "callback": callback}
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            **flow.params, "response_type": "code", "client_id": client_id, "redirect_uri": callback, "state": state,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        scope = value("scope") or flow.scope
        asked |= {"scope": scope} if scope else {}
        url = check_url(address(flow.authorize_url, "authorize_url", value)).url
        begun = Begun(location=f"{url}{'&' if '?' in url else '?'}{urlencode(asked)}", browser=browser, state=state)
    attempt = ConnectionAttempt(
        organization_id=row.organization_id, id=new_id(), connection_id=row.id, state_hash=digest(state),
        browser_hash=digest(browser), user_id=user_id, expires_at=now() + LIFETIME,
    )  # fmt: skip
    cipher = await sealing_cipher(session, vault.ring, row.organization_id)
    plain = msgspec.json.encode(memory)
    attempt.memory = cipher.encrypt(plain, table="connection_attempts", row_id=attempt.id, field="memory")
    session.add(attempt)
    await session.flush()
    return begun


async def redeem(session: AsyncSession, vault: Vault, state: str, browser: str) -> Kept | None:
    """End an attempt, whatever comes of it; None when there is none or another browser asks."""
    attempt = await session.scalar(_open(state).with_for_update())
    if attempt is None:
        return None
    attempt.used_at = now()
    await session.flush()
    if not hmac.compare_digest(attempt.browser_hash, digest(browser)):
        return None
    return await _kept(session, vault, attempt)


async def pending(session: AsyncSession, vault: Vault, state: str, connection_id: UUID) -> Kept:
    """The attempt of a device, which is asked for again and again.

    Raises:
        AuthError: it is over.
    """
    attempt = await session.scalar(_open(state).where(ConnectionAttempt.connection_id == connection_id))
    if attempt is None:
        raise gone()
    return await _kept(session, vault, attempt)


async def end(session: AsyncSession, state: str) -> None:
    """The attempt of a device has come to its end."""
    done = sa.update(ConnectionAttempt).where(ConnectionAttempt.state_hash == digest(state)).values(used_at=now())
    await session.execute(done)


async def exchanged(flow: OAuthFlow, config: Mapping[str, Any], kept: Kept, code: str) -> Granted:
    """What a code comes to.

    Raises:
        AuthError, TransientError: as the token address answers.
    """
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": kept.memory["callback"],
        "code_verifier": kept.memory["verifier"],
    }  # fmt: skip
    return await asyncio.to_thread(tokens.request, flow, config, form)


async def typed_in(flow: OAuthFlow, config: Mapping[str, Any], kept: Kept) -> Granted | None:
    """What a device's code comes to; None while nobody has typed it in."""
    form = {"grant_type": DEVICE, "device_code": kept.memory["device_code"]}
    try:
        return await asyncio.to_thread(tokens.request, flow, config, form)
    except AuthError as error:
        if error.details.get("error") in {"authorization_pending", "slow_down"}:
            return None
        raise


def gone() -> AuthError:
    """There is no such attempt."""
    return AuthError(_GONE)


def _device(flow: OAuthFlow, config: Mapping[str, Any]) -> dict[str, str]:
    value = tokens.config_value(config)
    client = EgressClient(deadline_s=tokens.DEADLINE_S)
    form = {"client_id": value(flow.client_id), "scope": value("scope") or flow.scope}
    try:
        answer = client.request(
            "POST", address(flow.device_url, "device_url", value), body=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        )  # fmt: skip
    finally:
        client.close()
    try:
        said = msgspec.json.decode(answer.body)
        place = said.get("verification_uri_complete") or said["verification_uri"]
        return {
            "device_code": str(said["device_code"]), "user_code": str(said["user_code"]),
            "location": check_url(str(place)).url, "every_s": str(int(said.get("interval") or 5)),
        }  # fmt: skip
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise AuthError(f"the other side gives no code (it answers {answer.status}); correct the client id") from None


def _open(state: str) -> sa.Select[Any]:
    return sa.select(ConnectionAttempt).where(
        ConnectionAttempt.state_hash == digest(state), ConnectionAttempt.used_at.is_(None),
        ConnectionAttempt.expires_at > now(), ConnectionAttempt.organization_id == state_organization(state),
    )  # fmt: skip


async def _kept(session: AsyncSession, vault: Vault, attempt: ConnectionAttempt) -> Kept:
    cipher = await organization_cipher(session, vault.ring, attempt.organization_id)
    plain = cipher.decrypt(attempt.memory, table="connection_attempts", row_id=attempt.id, field="memory")
    memory = msgspec.json.decode(plain, type=dict[str, str])
    return Kept(connection_id=attempt.connection_id, user_id=attempt.user_id, memory=memory)
