"""Plain data as TOML, in the form that a declaration is written in: short tables in one line, lists of tables apart."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_WIDE = 110


def toml_text(data: Mapping[str, Any]) -> str:
    """The text; None is left out."""
    return "\n".join(_table(data, ())).strip() + "\n"


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    given = {name: value for name, value in data.items() if value is not None}
    for name, value in given.items():
        if not _apart(value, path):
            yield f"{_key(name)} = {_value(value)}"
    for name, value in given.items():
        if not _apart(value, path):
            continue
        place = (*path, name)
        tables = value if isinstance(value, list) else [value]
        for table in tables:
            yield ""
            head = ".".join(map(_key, place))
            yield f"[[{head}]]" if isinstance(value, list) else f"[{head}]"
            yield from _table(table, place)


def _apart(value: Any, path: tuple[str, ...]) -> bool:
    """A list of tables, or a table that is too wide for a line or stands at the top."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], Mapping)
    return isinstance(value, Mapping) and (not path or len(_value(value)) > _WIDE)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(name)} = {_value(one)}' for name, one in value.items())} }}" if value else "{}"
    return str(value)
