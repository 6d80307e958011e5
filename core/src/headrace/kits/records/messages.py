"""Messages as records, and records as messages: JSON objects by field, anything else as `text` or `base64`."""

from __future__ import annotations

import contextlib
import math
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headrace.kits.records.spool import Part
from headrace.sdk.connectors import Reject

_JSON = msgspec.json.Encoder(enc_hook=str)


def fields_of(body: bytes) -> dict[str, Any]:
    """The fields of a message."""
    with contextlib.suppress(msgspec.DecodeError, RecursionError):
        content = msgspec.json.decode(body)
        if isinstance(content, dict):
            return content
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(body).decode()}


def body_of(record: Mapping[str, Any]) -> bytes:
    """A record as JSON; decimals, moments and bytes become texts. Fields of the envelope, `_...`, are left out.

    Raises:
        ValueError: a value has no form in JSON; the words follow "the row ".
    """
    for name, value in record.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"holds {value} in column '{name}', which JSON cannot hold")
    return _JSON.encode({name: value for name, value in record.items() if not name.startswith("_")})


def bodies(
    part: Part, limit: int, form: Callable[[Mapping[str, Any]], bytes] = body_of
) -> tuple[dict[int, bytes], list[Reject]]:
    """Bodies of a part's records by their index, and those that have none.

    Args:
        part: Of a write.
        limit: Bytes that a body may have.
        form: Makes a body.
    """
    made: dict[int, bytes] = {}
    rejects: list[Reject] = []
    for index, record in enumerate(part.records):
        try:
            body = form(record)
        except ValueError as error:
            rejects.append(part.rejected(index, f"the row {error}"))
            continue
        if len(body) > limit:
            rejects.append(part.rejected(index, f"the row has {len(body):,} bytes as a message; {limit:,} are allowed"))
        else:
            made[index] = body
    return made, rejects


def text_of(record: Mapping[str, Any], name: str, otherwise: str = "") -> str:
    """A field of the envelope as text."""
    value = record.get(name)
    return otherwise if value is None else str(value)
