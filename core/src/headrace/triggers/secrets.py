"""Secrets of a trigger: encrypted as a whole, never shown, kept when a change leaves them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.connections.service import Vault
from headrace.infra.datakeys import organization_cipher, sealing_cipher
from headrace.infra.ids import new_id
from headrace.sdk.config import Config, parse_config, secret_names
from headrace.sdk.errors import ConfigError
from headrace.triggers.models import Trigger

_PLACE: dict[str, str] = {"table": "triggers", "field": "secrets"}
KEY = "_key"
"""Where the random part of a webhook's address is kept, beside the declared secrets."""


class Sealed:
    """The secrets of one row."""

    def __init__(self, vault: Vault, row: Trigger) -> None:
        self._vault = vault
        self._row = row

    async def open(self, session: AsyncSession) -> dict[str, Any]:
        """Decrypt."""
        if self._row.secrets is None:
            return {}
        cipher = await organization_cipher(session, self._vault.ring, self._row.organization_id)
        found: dict[str, Any] = msgspec.json.decode(cipher.decrypt(self._row.secrets, row_id=self._row.id, **_PLACE))
        return found

    async def close(self, session: AsyncSession, values: Mapping[str, Any]) -> None:
        """Encrypt into the row."""
        if not values:
            self._row.secrets = None
            return
        if self._row.id is None:
            self._row.id = new_id()
        cipher = await sealing_cipher(session, self._vault.ring, self._row.organization_id)
        self._row.secrets = cipher.encrypt(msgspec.json.encode(values), row_id=self._row.id, **_PLACE)


def merged(kind: type[Config] | None, stored: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Stored secrets with those that a change gives; an empty one is removed.

    Raises:
        ConfigError: the trigger has no such secret.
    """
    kept = dict(stored)
    for name, value in (given or {}).items():
        if isinstance(value, Mapping) and value.get("$secret"):
            continue
        kept[name] = value
    plain = {name: value for name, value in kept.items() if name != KEY}
    if kind is None:
        if plain:
            raise ConfigError(f"this trigger has no secret '{min(plain)}'", field=f"secrets.{min(plain)}")
    else:
        parse_config(kind, plain)
    return {name: value for name, value in kept.items() if value != ""}


def shown(kind: type[Config] | None, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Which secrets are set, never what they are."""
    if kind is None:
        return {}
    return {name: {"$secret": True, "set": bool(stored.get(name))} for name in secret_names(kind)}
