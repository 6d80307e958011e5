"""Texts with `{fields}` in them: the only substitution there is."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from headrace.sdk.errors import ConfigError

_FIELD = re.compile(r"\{([^{}]*)\}")


def fields_of(text: str) -> set[str]:
    """Names of the fields in a text."""
    return set(_FIELD.findall(text))


def filled(path: str, values: dict[str, Any]) -> str:
    """A path with its `{fields}`, percent-encoded.

    Raises:
        ConfigError: a value is empty, or would change the path's meaning.
    """

    def put(found: re.Match[str]) -> str:
        text = str(values[found[1]])
        if text in {"", ".", ".."}:
            raise ConfigError(
                f"'{found[1]}' is '{text}', which cannot be part of a path; give another value", field=found[1]
            )
        return quote(text, safe="")

    return _FIELD.sub(put, path)
