"""Messages of the output plugin `pgoutput`, protocol version 1, as values.

Source: the PostgreSQL manual, chapters "Streaming Replication Protocol" and "Logical Replication Message Formats".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from struct import Struct as Layout
from typing import Any, TypeAlias

from msgspec import Struct
from psycopg import DataError, adapters
from psycopg.adapt import Transformer
from psycopg.pq import Format

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_BEGIN, _COMMIT = Layout(">QqI"), Layout(">BQQq")
_INT16, _INT32 = Layout(">H"), Layout(">I")
_TYPED = (
    "bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "text", "varchar", "bpchar", "name", "uuid",
    "date", "time", "timetz", "timestamp", "timestamptz", "json", "jsonb", "bytea",
)  # fmt: skip
"""Types that become values, and their arrays; every other type stays the text that the server writes."""


class Begin(Struct, frozen=True):
    """A transaction begins; `final` is where it commits."""

    final: int
    at: datetime
    xid: int


class Commit(Struct, frozen=True):
    """It ends at `end`; a reader that has it goes on from there."""

    end: int


class Relation(Struct, frozen=True):
    """A table: its columns as (name, type, part of the identity)."""

    schema: str
    table: str
    columns: tuple[tuple[str, int, bool], ...]


class Change(Struct, frozen=True):
    """A row that changed. `unchanged` names large values of `after` that the server does not send."""

    operation: str
    relation: Relation
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    unchanged: tuple[str, ...] = ()


Message: TypeAlias = Begin | Commit | Change


class Decoder:
    """Turns payloads into messages; it remembers the tables that were described."""

    def __init__(self) -> None:
        self._relations: dict[int, Relation] = {}
        self._values = Transformer()
        self._typed = {oid for name in _TYPED for oid in (adapters.types[name].oid, adapters.types[name].array_oid)}

    def messages(self, payload: bytes) -> Iterator[Message]:
        """What a payload says: nothing, one message, or a change for each table that was truncated."""
        kind, body = payload[:1], _Body(payload, 1)
        if kind == b"B":
            final, at, xid = body.take(_BEGIN)
            yield Begin(final, EPOCH + timedelta(microseconds=at), xid)
        elif kind == b"C":
            yield Commit(body.take(_COMMIT)[2])
        elif kind == b"R":
            self._describe(body)
        elif kind in {b"I", b"U", b"D"}:
            yield self._change(kind, self._relations[body.int32()], body)
        elif kind == b"T":
            count, _ = body.int32(), body.byte()
            yield from (Change("truncate", self._relations[body.int32()]) for _ in range(count))

    def _describe(self, body: _Body) -> None:
        oid, schema, table, _ = body.int32(), body.text(), body.text(), body.byte()
        columns = []
        for _ in range(body.int16()):
            identity, name, kind, _ = body.byte() == b"\x01", body.text(), body.int32(), body.int32()
            columns.append((name, kind, identity))
        self._relations[oid] = Relation(schema or "pg_catalog", table, tuple(columns))

    def _change(self, kind: bytes, relation: Relation, body: _Body) -> Change:
        if kind == b"I":
            body.byte()
            return Change("insert", relation, after=self._row(relation, body)[0])
        mark = body.byte()
        before = self._row(relation, body, only_key=mark == b"K")[0] if mark in {b"K", b"O"} else None
        if kind == b"D":
            return Change("delete", relation, before=before)
        if before is not None:
            body.byte()
        after, absent = self._row(relation, body)
        known = before if mark == b"O" and before is not None else {}
        after.update({name: known[name] for name in absent if name in known})
        return Change("update", relation, before, after, tuple(name for name in absent if name not in known))

    def _row(self, relation: Relation, body: _Body, *, only_key: bool = False) -> tuple[dict[str, Any], list[str]]:
        row: dict[str, Any] = {}
        absent: list[str] = []
        body.int16()
        for name, kind, identity in relation.columns:
            mark = body.byte()
            value = self.value(kind, body.bytes()) if mark == b"t" else None
            if mark == b"u":
                absent.append(name)
            elif identity or not only_key:
                row[name] = value
        return row, absent

    def value(self, kind: int, raw: bytes) -> Any:
        """A value from the text that the server writes; what Python cannot hold stays that text."""
        if kind in self._typed:
            try:
                value = self._values.get_loader(kind, Format.TEXT).load(raw)
            except (DataError, ValueError):  # e.g. an infinite date
                return raw.decode()
            if not (isinstance(value, float) and not math.isfinite(value)):
                return value
        return raw.decode()


class _Body:
    """Reads a payload from left to right."""

    def __init__(self, payload: bytes, at: int) -> None:
        self._payload, self._at = payload, at

    def take(self, layout: Layout) -> tuple[Any, ...]:
        self._at += layout.size
        return layout.unpack_from(self._payload, self._at - layout.size)

    def int16(self) -> int:
        return int(self.take(_INT16)[0])

    def int32(self) -> int:
        return int(self.take(_INT32)[0])

    def byte(self) -> bytes:
        self._at += 1
        return self._payload[self._at - 1 : self._at]

    def bytes(self) -> bytes:
        length = self.int32()
        self._at += length
        return self._payload[self._at - length : self._at]

    def text(self) -> str:
        end = self._payload.index(0, self._at)
        found, self._at = self._payload[self._at : end].decode(), end + 1
        return found


def lsn_of(text: str) -> int:
    """A place in the log, from `16/B374D848`."""
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


def lsn_text(lsn: int) -> str:
    """A place in the log as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
