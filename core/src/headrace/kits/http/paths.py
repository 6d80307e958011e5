"""Paths with inputs in them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from headrace.sdk.errors import ConfigError


def filled(path: str, values: dict[str, Any]) -> str:
    """A path with its `{fields}`, percent-encoded.

    Raises:
        ConfigError: a value is empty, or would change the path's meaning.
    """
    for name, value in values.items():
        text = str(value)
        if f"{{{name}}}" not in path:
            continue
        if text in {"", ".", ".."}:
            raise ConfigError(f"'{name}' is '{text}', which cannot be part of a path; give another value", field=name)
        path = path.replace(f"{{{name}}}", quote(text, safe=""))
    return path
