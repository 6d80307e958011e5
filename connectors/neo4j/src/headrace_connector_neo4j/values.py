"""Values and names in Cypher, both ways."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
from headrace.sdk import ConfigError

_JSON = msgspec.json.Encoder(enc_hook=str)
_PLAIN = (bool, int, float, str)


def quoted(name: str) -> str:
    r"""A name in Cypher.

    Raises:
        ConfigError: older servers would read `\u...` in it as another letter, before they look at the quotes.
    """
    if not name or "\\u" in name.lower():
        raise ConfigError(f"'{name}' is no name that can be used in Cypher; choose another one", field="stream")
    return "`" + name.replace("`", "``") + "`"


def plain(value: Any) -> Any:
    """A value as Python has it: moments of the driver become Python's, points and durations texts."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if type(value).__module__.startswith("neo4j.time") and type(value).__name__ != "Duration":
        return value.to_native()
    if type(value).__module__.startswith("neo4j."):
        return str(value)
    return bytes(value) if isinstance(value, bytearray) else value


def sent(value: Any) -> Any:
    """A value as a property may be: decimals and what is nested are text; nulls in a list are too.

    Raises:
        ValueError: an integer has more than 64 bits; the words follow "the row ".
    """
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(f"holds {value}, which has more than 64 bits")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.datetime) and (offset := value.utcoffset()) is not None:
        # the driver asks a ZoneInfo with an object of its own, in which that reads what is not there: wrong hours
        return value.replace(tzinfo=dt.timezone(offset))
    if isinstance(value, dict) or (isinstance(value, list) and not _same(value)):
        return _JSON.encode(value).decode()
    return value


def _same(values: Iterable[Any]) -> bool:
    """Whether all values of a list are of one type that a property may hold."""
    kinds = {type(value) for value in values}
    return len(kinds) <= 1 and kinds <= set(_PLAIN)
