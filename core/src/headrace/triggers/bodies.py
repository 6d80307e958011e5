"""What a call brings: its body as rows of the trigger's node, and what of the request is kept. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from headrace.sdk.errors import DataError

HEADERS_MAX = 100
HEADER_CHARS = 2_000
QUERY_MAX = 200
_NEVER_KEPT = frozenset(
    {"authorization", "proxy-authorization", "cookie", "webhook-signature", "x-csrf-token", "x-api-key"}
)


def kept_headers(headers: Mapping[str, str], *secret: str) -> dict[str, str]:
    """Headers without those that carry secrets."""
    hidden = _NEVER_KEPT | {name.lower() for name in secret}
    named = ((name, value) for name, value in headers.items() if name not in hidden)
    return {name: value[:HEADER_CHARS] for name, value in list(named)[:HEADERS_MAX]}


def kept_query(query: str) -> dict[str, str]:
    """Parameters of the address; of several with one name the last."""
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=None)[:QUERY_MAX]
    return {name[:200]: value[:HEADER_CHARS] for name, value in pairs}


def body_of(content_type: str, body: bytes) -> Any:
    """The body by its content type: JSON, a form, text, else base64.

    Raises:
        DataError: it is not what its content type says.
    """
    if not body:
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise DataError("the body is no JSON, though its content type says so; correct it") from None
    try:
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1_000))
        if kind.startswith("text/") or not kind:
            return {"text": body.decode()}
    except (UnicodeDecodeError, ValueError):
        raise DataError("the body is not UTF-8 text, or has too many fields; correct it") from None
    return {"content_type": kind, "base64": b64encode(body).decode()}


def rows_of(content: Any, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of the trigger's node: an object is one row, a list of objects many; without a body the query is it."""
    if isinstance(content, dict):
        return [content]
    if isinstance(content, list) and all(isinstance(item, dict) for item in content):
        return content
    if content is None:
        return [dict(query)] if query else [{"body": None}]
    return [{"value": item} for item in content] if isinstance(content, list) else [{"value": content}]
