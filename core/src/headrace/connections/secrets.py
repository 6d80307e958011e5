"""Secrets of a config: write-only in answers, kept when a change leaves them out."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from headrace.connections.addresses import moved
from headrace.connections.references import Declared, reference
from headrace.sdk.config import secret_names
from headrace.sdk.errors import ConfigError

MASK = "***"
"""How others show secrets; given back it means the stored one, as the answer's own form does."""
HINT_MIN = 12
"""Only a secret of so many characters shows its last four."""


def shown(manifest: Declared | None, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as answers give it. Without its plugin nothing is known to be harmless, so nothing is shown."""
    if manifest is None:
        return {}
    plain = copy.deepcopy(dict(config))
    for path in secret_names(manifest.config):
        holder, name = _at(plain, path)
        value = holder.get(name) if holder is not None else None
        if holder is not None and isinstance(value, Mapping):
            holder[name] = {"$secret": True, "set": True, "hint": "", "reference": reference(value) or ""}
        elif holder is not None and isinstance(value, str):
            hint = f"…{value[-4:]}" if len(value) >= HINT_MIN else ""
            holder[name] = {"$secret": True, "set": bool(value), "hint": hint}
    return plain


def without(manifest: Declared, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config without its secrets."""
    plain = copy.deepcopy(dict(config))
    for path in secret_names(manifest.config):
        holder, name = _at(plain, path)
        if holder is not None:
            holder.pop(name, None)
    return plain


def merged(manifest: Declared, stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A new config in which absent secrets, and those in the answer's form, keep the stored value.

    Raises:
        ConfigError: the address changed and a stored secret would be sent there (security.md 2.1).
    """
    plain = copy.deepcopy(dict(given))
    changed = moved(manifest, stored, plain)
    for path in secret_names(manifest.config):
        holder, name = _at(plain, path)
        before, _ = _at(dict(stored), path)
        if holder is None:
            continue
        value = holder.get(name)
        if value is None or value == MASK or (isinstance(value, dict) and value.get("$secret")):
            holder.pop(name, None)
            if before is not None and before.get(name):
                if changed:
                    raise ConfigError(
                        f"'{changed[0]}' has changed; enter '{path}' again, it would be sent there", field=path
                    )
                holder[name] = before[name]
    return plain


def values(manifest: Declared, config: Mapping[str, Any]) -> list[str]:
    """The secret texts, for masking."""
    found = []
    for path in secret_names(manifest.config):
        holder, name = _at(dict(config), path)
        value = holder.get(name) if holder is not None else None
        if isinstance(value, str) and value:
            found.append(value)
    return found


def _at(config: dict[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    *parts, name = path.split(".")
    holder: Any = config
    for part in parts:
        holder = holder.get(part) if isinstance(holder, dict) else None
    return (holder if isinstance(holder, dict) else None), name
