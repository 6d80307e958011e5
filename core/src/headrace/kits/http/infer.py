"""Columns learned from records: the narrowest type that holds every value seen; json where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace.sdk.errors import ConfigError

SAMPLE = 1_000
"""Records looked at."""
_BITS = 2**63


def inferred(name: str, records: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Name to type, in the order in which fields first appear.

    Args:
        name: Of the stream, for the message.
        records: Some.

    Raises:
        ConfigError: there are none.
    """
    if not records:
        raise ConfigError(
            f"'{name}' has no records to learn columns from; declare them in the options", field="options"
        )
    found: dict[str, set[str]] = {}
    for record in records:
        for field, value in record.items():
            kinds = found.setdefault(field, set())
            if value is not None:
                kinds.add(_kind(value))
    return {field: _common(kinds) for field, kinds in found.items()}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -_BITS <= value < _BITS else "json"
    if isinstance(value, float):
        return "float"
    return "text" if isinstance(value, str) else "json"


def _common(kinds: set[str]) -> str:
    """One type for all; a field that was always null may still hold anything."""
    if len(kinds) == 1:
        return next(iter(kinds))
    return "float" if kinds == {"integer", "float"} else "json"
