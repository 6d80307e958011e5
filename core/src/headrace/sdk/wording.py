"""What is wrong with a value, in words: messages of msgspec as people read them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

EXPECTED = "x-error"
"""In the schema of a field: what its text has to be, in words."""
_PATTERN = "Expected `str` matching regex "


def worded(kind: Any, text: str, path: str) -> tuple[str, str]:
    """A message about a value of a type, and the path that it is about.

    A missing field is named, an unknown one with the nearest that there is; a pattern is said in words.
    """
    missing = re.fullmatch(r"Object missing required field `(.+)`", text)
    if missing is not None:
        return "it must be filled in", ".".join(part for part in (path, missing[1]) if part)
    if text.startswith(_PATTERN):
        return _expected(list(_metas(_at(kind, path)))), path
    found = re.fullmatch(r"Object contains unknown field `(.+)`", text)
    if found is None:
        return text, path
    known = [name for one in _structs(_at(kind, path)) for name in one.__struct_fields__]
    near = difflib.get_close_matches(found[1], known, n=1, cutoff=0.5)
    advice = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(known) or 'none'}"
    return f"there is no such field; {advice}", ".".join(part for part in (path, found[1]) if part)


def _expected(metas: list[Meta]) -> str:
    """By what the field says of itself: `expected`, else its description, else an example."""
    said = next((text for meta in metas if (text := (meta.extra_json_schema or {}).get(EXPECTED))), "")
    if said:
        return f"write {said}"
    about = next((meta.description for meta in metas if meta.description), "")
    shown = next((f", e.g. {meta.examples[0]}" for meta in metas if meta.examples), "")
    return f"this is not written as asked{shown}" + (f"; {about.rstrip('.')}" if about else "")


def _at(kind: Any, path: str) -> Any:
    """The annotation at a path; None when it cannot be told."""
    for name in [part for part in re.split(r"[.\[\]]+", path) if part.isidentifier()]:
        hints = (get_type_hints(one, include_extras=True) for one in _structs(kind))
        kind = next((known[name] for known in hints if name in known), None)
    return kind


def _structs(hint: Any) -> Iterator[type[Struct]]:
    """Structs that an annotation allows, itself or in lists and unions."""
    if isinstance(hint, type) and get_origin(hint) is None and issubclass(hint, Struct):
        yield hint
    for part in get_args(hint):
        yield from _structs(part)


def _metas(hint: Any) -> Iterator[Meta]:
    """What an annotation says of its values, the outermost first; not what the fields of its Structs do."""
    yield from getattr(hint, "__metadata__", ())
    for part in get_args(hint):
        yield from _metas(part)
