"""Mappings of search servers and columns, both ways. A mapping says how a field is found, not what documents hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from headrace.kits.http.types import column_of, converter
from headrace.kits.records.schema import LATE, learned
from headrace.sdk.types import Column, DataType

_TEXT = ("text", "keyword", "wildcard", "constant_keyword", "match_only_text", "version", "ip", "binary")
_KINDS = {
    **dict.fromkeys(("long", "integer", "short", "byte"), "integer"),
    **dict.fromkeys(("double", "float", "half_float", "scaled_float"), "float"),
    **dict.fromkeys(("date", "date_nanos"), "timestamp"), **dict.fromkeys(_TEXT, "text"), "boolean": "boolean",
}  # fmt: skip
_WORDS = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
_MOMENT = column_of("moment", "timestamp")


def is_moment(kind: str) -> bool:
    """Whether a mapped type is one of moments."""
    return kind in {"date", "date_nanos"}


def later(value: Any, after: Any) -> bool:
    """Whether a moment is later than another one, exactly; the server compares milliseconds."""
    change = converter(_MOMENT)
    try:
        first, second = (one if isinstance(one, dt.datetime) else change(one) for one in (value, after))
    except ValueError:
        return True  # it has a form of its own; the server has compared it
    return bool(first > second)


def mapped(mappings: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Type of each field of several mappings; `object` where they do not agree, and of what is nested."""
    found: dict[str, set[str]] = {}
    for mapping in mappings:
        for name, said in mapping.get("properties", {}).items():
            kind = said.get("type", "object")
            if kind != "alias":  # another name for a field of the document
                found.setdefault(name, set()).add(kind)
    return {name: next(iter(kinds)) if len(kinds) == 1 else "object" for name, kinds in found.items()}


def columns_of(kinds: Mapping[str, str], records: Sequence[Mapping[str, Any]], *, late: bool) -> tuple[Column, ...]:
    """Columns by what documents hold; by the mapping for fields that no document has, and where it is wider."""
    own = [{name: value for name, value in record.items() if name != "_id"} for record in records]
    seen = {column.name: column for column in learned(own)}
    held = {name for record in own for name, value in record.items() if value is not None}
    columns = [
        _column(name, kinds.get(name, "object"), seen.get(name) if name in held else None, own)
        for name in dict.fromkeys((*seen, *kinds))
    ]
    return (*columns, Column(LATE, DataType.JSON)) if late and columns else tuple(columns)


def _column(name: str, kind: str, seen: Column | None, records: Sequence[Mapping[str, Any]]) -> Column:
    wanted = column_of(name, _KINDS.get(kind, "json"))
    if seen is None or seen.type is wanted.type:
        return wanted
    if seen.type is DataType.INTEGER and wanted.type is DataType.FLOAT:
        return wanted if _fits(wanted, records) else seen
    if seen.type is DataType.TEXT and wanted.type is DataType.TIMESTAMP and _fits(wanted, records):
        return wanted
    return seen


def _fits(column: Column, records: Sequence[Mapping[str, Any]]) -> bool:
    change = converter(column)
    try:
        for record in records:
            if record.get(column.name) is not None:
                change(record[column.name])
    except ValueError:
        return False
    return True


def mapping_of(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Fields of an index that is made for records; a field that is null in all of them is left to the server."""
    made: dict[str, Any] = {}
    for record in records:
        for name, value in record.items():
            if name not in made and value is not None and not name.startswith("_"):
                kind = _kind(value)
                if kind:
                    made[name] = kind
    return made


def _kind(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "long"}
    if isinstance(value, float):
        return {"type": "double"}
    if isinstance(value, dt.datetime):
        return {"type": "date"}
    if isinstance(value, dt.date):
        return {"type": "date", "format": "strict_date||strict_date_optional_time"}
    if isinstance(value, bytes):
        return {"type": "binary"}
    if isinstance(value, Decimal | dt.time | dt.timedelta):
        return {"type": "keyword"}  # as text, so that it stays exact
    return dict(_WORDS) if isinstance(value, str) else {}
