"""How a list pages, from its parameters and the form of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.kits.http.openapi_document import Document

_SIZES = ("per_page", "limit", "page_size", "pageSize", "perPage", "size", "max_results", "maxResults", "count")
_TOKENS = ("cursor", "page_token", "pageToken", "next_token", "nextToken", "marker", "continuation_token", "page-token")
_NEXT = ("next_cursor", "nextCursor", "next_page_token", "nextPageToken", "next_marker", "next_token", "nextToken")
_HOLDERS = ("meta", "pagination", "paging", "response_metadata", "page_info", "links", "_links")
_LINKS = ("next", "next_url", "next_page_url", "next_uri")
_OBJECT_IDS = ("starting_after", "after")
SIZE = 100


def pages(
    document: Document, operation: Mapping[str, Any], params: Mapping[str, Mapping[str, Any]],
    answer: Mapping[str, Mapping[str, Any]], key: str,
) -> dict[str, Any] | None:  # fmt: skip
    """The declaration, or None when one answer seems to have it all.

    Args:
        document: Resolves schemas.
        operation: The GET.
        params: Its query parameters.
        answer: Properties of its answer.
        key: Key column of the records.
    """
    name = next((name for name in _SIZES if name in params), "")
    size = {"size_param": name, "size": _size(document, params[name])} if name else {}
    token = next((name for name in _TOKENS if name in params), "")
    after = next((where for where in _places(document, answer) if where.rpartition(".")[2] in _NEXT), "")
    if token and after:
        return {"type": "token", "token_param": token, "next": after, **size}
    objects = next((name for name in _OBJECT_IDS if name in params), "")
    if objects and key and "has_more" in answer:
        return {"type": "token", "token_param": objects, "last": key, "more": "has_more", **size}
    if "link" in document.headers(operation):
        return {"type": "link", **size}
    link = next((where for where in _places(document, answer) if where.rpartition(".")[2] in _LINKS), "")
    if "page" in params:
        first = _resolved(document, params["page"]).get("default", 1)
        return {"type": "page", **({"start": 0} if first == 0 else {}), **size}
    if "offset" in params and name:
        return {"type": "offset", **size}
    return {"type": "link", "next": link, **size} if link else None


def _places(document: Document, answer: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Texts of an answer and of what usually holds its paging, dotted."""
    found = [name for name, shape in answer.items() if _text(shape)]
    for holder in _HOLDERS:
        inside = document.properties(answer.get(holder) or {})
        found += [f"{holder}.{name}" for name, shape in inside.items() if _text(shape)]
    return found


def _text(shape: Mapping[str, Any]) -> bool:
    kind = shape.get("type")
    return kind == "string" or (isinstance(kind, list) and "string" in kind)


def _resolved(document: Document, param: Mapping[str, Any]) -> Mapping[str, Any]:
    return document.resolved(param.get("schema")) or param


def _size(document: Document, param: Mapping[str, Any]) -> int:
    most = _resolved(document, param).get("maximum")
    return min(SIZE, int(most)) if isinstance(most, int | float) and most > 0 else SIZE
