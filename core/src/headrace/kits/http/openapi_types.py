"""The type of a column or an input, by its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXTS = {"date-time": "timestamp", "date": "date", "uuid": "uuid"}
_PLAIN = {"integer": "integer", "number": "float", "boolean": "boolean"}


def type_of(shape: Mapping[str, Any]) -> str:
    """As `connector.toml` writes it; what may be several things is `json`."""
    kind = shape.get("type")
    kinds = [one for one in kind if one != "null"] if isinstance(kind, list) else [kind]
    if len(kinds) != 1 or any(name in shape for name in ("oneOf", "anyOf")):
        return "json"
    if kinds[0] == "string":
        return _TEXTS.get(str(shape.get("format")), "text")
    return _PLAIN.get(str(kinds[0]), "json")
