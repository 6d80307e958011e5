"""Hosted pages of triggers: who may see one, and the ticket that makes each page count once."""

from __future__ import annotations

import hmac
import secrets as random
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from headrace.connections.service import Vault
from headrace.infra.database import Database
from headrace.plugins.manager import Host
from headrace.sdk.config import parse_config
from headrace.sdk.errors import NotFound, ServiceError
from headrace.triggers import addresses
from headrace.triggers.callers import basic, same
from headrace.triggers.models import Trigger
from headrace.triggers.secrets import Sealed

Mode: TypeAlias = Literal["form", "chat"]
TICKET_S = 12 * 3600
"""How long a page may stay open; a repeat within 24 hours is known by its ticket."""


class NotLetIn(ServiceError):
    """The visitor did not prove who it is."""

    code = "UNAUTHENTICATED"
    status = 401


class Hosted(Struct, frozen=True, kw_only=True):
    """A page that listens, for a visitor who may see it."""

    organization_id: UUID
    trigger_id: UUID
    config: Any


async def find(
    database: Database, host: Host, vault: Vault, place: str, headers: Mapping[str, str], token: str, *, mode: Mode
) -> Hosted:
    """The page at an address.

    Args:
        database: Of the process.
        host: Its plugins.
        vault: Opens secrets.
        place: A key, or `organization/own path`.
        headers: By lower-case name.
        token: From the address.
        mode: Of the trigger.

    Raises:
        NotFound: no such page is there, or it does not listen.
        NotLetIn: the visitor has not signed in, or the token is not the right one.
    """
    unknown = f"there is no {mode} at this address"
    found = await addresses.find_anywhere(database, place, mode=mode)
    if found is None:
        raise NotFound(unknown)
    async with database.transaction(found[0]) as session:
        row = await session.get(Trigger, found)
        if row is None or not row.armed:
            raise NotFound(unknown)
        config: Any = parse_config(host.registry.trigger(row.type).manifest.config, row.configuration)
        secrets = await Sealed(vault, row).open(session)
    if config.authentication == "token" and same(token, secrets.get("token", "")):
        raise NotFound(unknown)
    if config.authentication == "basic" and basic(secrets, headers):
        raise NotLetIn(f"sign in to see this {mode}")
    return Hosted(organization_id=found[0], trigger_id=found[1], config=config)


class Signs:
    """Marks texts that leave us, so that only ours are taken back."""

    def __init__(self, vault: Vault, purpose: str) -> None:
        self._ring, self._purpose = vault.ring, purpose

    def sign(self, text: str) -> str:
        """The mark of a text, by the newest key."""
        return self._mark(self._keys()[0], text)

    def right(self, text: str, mark: str) -> bool:
        """Whether the mark is of this text, by a key that is still known."""
        return any(hmac.compare_digest(mark.encode(), self._mark(key, text).encode()) for key in self._keys())

    def _keys(self) -> list[bytes]:
        return list(self._ring.derive(self._purpose).values())

    @staticmethod
    def _mark(key: bytes, text: str) -> str:
        return urlsafe_b64encode(hmac.new(key, text.encode(), sha256).digest()).decode().rstrip("=")


class Tickets:
    """Single-use tickets in pages: bound to page, browser and time, so that no other page can send in its name."""

    def __init__(self, vault: Vault) -> None:
        self._signs = Signs(vault, "forms")

    def issue(self, page: Hosted, visitor: str) -> str:
        """A fresh ticket."""
        body = f"{int(time.time())}.{random.token_urlsafe(16)}"
        return f"{body}.{self._signs.sign(f'{page.trigger_id}|{visitor}|{body}')}"

    def redeem(self, page: Hosted, visitor: str, ticket: str) -> str | None:
        """The id of the submission; None when the ticket is of another page, browser or day."""
        body, _, mark = ticket.rpartition(".")
        stamp = body.partition(".")[0]
        right = self._signs.right(f"{page.trigger_id}|{visitor}|{body}", mark)
        if not right or not stamp.isdecimal() or not 0 <= time.time() - int(stamp) <= TICKET_S:
            return None
        return "page:" + sha256(ticket.encode()).hexdigest()
