"""Words of a fixed list are taken in any case: `ACTIVE` is `active`, in bodies and in queries; states by old names too.

Only a value that is none of the words as it stands is looked at again, so that nothing changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from litestar import Request
from litestar.di import Dependency
from litestar.handlers import BaseRouteHandler
from msgspec import inspect

STATES = {
    "pending": "queued", "success": "completed", "succeeded": "completed", "error": "failed", "canceled": "cancelled",
}  # fmt: skip
"""Old names of states, where they are not words themselves."""


class AnyCaseRequest(Request[Any, Any, Any]):
    """A request whose JSON has the words as the handler writes them."""

    async def json(self) -> Any:
        """The body, with known words in their own case."""
        said = await super().json()
        kind = _parameters(self.route_handler).get("data")
        return said if kind is None else folded(said, kind)


def fold_query(request: Request[Any, Any, Any]) -> None:
    """Put known words of the query in their own case, before it is read."""
    query = request.scope.get("query_string", b"")
    if not query:
        return
    kinds = _parameters(request.route_handler)
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    known = [(name, folded(value, kinds[name]) if name in kinds else value) for name, value in given]
    if known != given:
        request.scope["query_string"] = urlencode(known).encode()


def folded(value: Any, kind: inspect.Type) -> Any:
    """The value, where words of `kind` are in their own case."""
    if isinstance(kind, inspect.Metadata):
        return folded(value, kind.type)
    if isinstance(kind, inspect.UnionType):
        for one in kind.types:
            value = folded(value, one)
        return value
    if isinstance(value, str):
        return _word(value, kind.values) if isinstance(kind, inspect.LiteralType) else value
    if isinstance(value, list):
        inner = getattr(kind, "item_type", None)
        return value if inner is None else [folded(one, inner) for one in value]
    if isinstance(value, Mapping) and isinstance(kind, inspect.StructType):
        kinds = {one.encode_name: one.type for one in kind.fields}
        return {name: folded(one, kinds[name]) if name in kinds else one for name, one in value.items()}
    return value


def _word(value: str, words: tuple[Any, ...]) -> str:
    if value in words:
        return value
    if (now := STATES.get(value.casefold())) in words:
        return str(now)
    same = [one for one in words if isinstance(one, str) and one.casefold() == value.casefold()]
    return same[0] if len(same) == 1 else value


@lru_cache(maxsize=1024)
def _parameters(handler: BaseRouteHandler) -> dict[str, inspect.Type]:
    """Types of what the handler is given that have fixed words in them."""
    found = {}
    for name, field in handler.parsed_fn_signature.parameters.items():
        if any(isinstance(one, Dependency) for one in getattr(field.raw, "__metadata__", ())):
            continue
        try:
            kind = inspect.type_info(field.raw)
        except (TypeError, NotImplementedError):
            continue
        if _has_words(kind, ()):
            found[name] = kind
    return found


def _has_words(kind: inspect.Type, above: tuple[Any, ...]) -> bool:
    if isinstance(kind, inspect.LiteralType):
        return any(isinstance(one, str) for one in kind.values)
    if isinstance(kind, inspect.StructType):
        return kind.cls not in above and any(_has_words(one.type, (*above, kind.cls)) for one in kind.fields)
    inner = [*getattr(kind, "types", ()), getattr(kind, "item_type", None), getattr(kind, "type", None)]
    return any(_has_words(one, above) for one in inner if isinstance(one, inspect.Type))
