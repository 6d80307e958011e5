"""What is new in a stream since the last look, as events. Nothing is lost between two looks, nothing starts twice.

A look begins a little before the place where the last one ended: records may appear late, or share the cursor's value.
The cursor holds the keys of the rows near its place; those are left out when they come again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, cast

import msgspec

from headrace.sdk.connectors import Connector, Stream
from headrace.sdk.errors import ConfigError
from headrace.sdk.triggers import Event, Received, SourceContext, SourceTrigger
from headrace.sdk.types import DataType

AT_ONCE = 1_000
"""Rows of one call."""
BACK_S = 5.0
"""So long before the last place a look begins, of timestamps."""


class Poller(SourceTrigger[Any]):
    """Looks into one stream."""

    @property
    def every_s(self) -> float:
        """As the config says."""
        return float(self.config.every_seconds)

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """Rows after the cursor, in its order.

        Raises:
            ConfigError: the stream has no cursor.
        """
        connector = ctx.connector(self.config.connection)
        stream = connector.stream(type(self.config).from_stream)
        if not stream.cursors:
            raise ConfigError(f"'{stream.name}' has no cursor, so what is new in it cannot be told")
        if not cursor and self.config.first == "new":
            return Received(cursor={"at": _place(_newest(connector, stream))})
        before, seen = _before(stream, cursor.get("at")), set(cursor.get("seen", ()))
        rows: list[dict[str, Any]] = []
        passed: list[tuple[str, Any]] = []
        for row in _rows(connector, stream, before):
            key = _key(stream, [row])
            passed.append((key, row[stream.cursors[0]]))
            if key not in seen:
                rows.append(row)
            if len(rows) >= AT_ONCE:
                break
        if not rows:
            return Received(cursor=dict(cursor) or {"at": None})
        at, size = _place(rows[-1][stream.cursors[0]]), self.config.batch
        since = _before(stream, at)
        near = [key for key, value in passed if isinstance(value, str) or value > since]
        events = [self._event(stream, rows[start : start + size]) for start in range(0, len(rows), size)]
        return Received(events=events, cursor={"at": at, "seen": near}, more=len(rows) >= AT_ONCE)

    def _event(self, stream: Stream, rows: list[dict[str, Any]]) -> Event:
        return Event(key=_key(stream, rows), rows=rows, data={"stream": stream.name})


def _rows(connector: Connector[Any], stream: Stream, after: Any) -> Iterator[dict[str, Any]]:
    """Rows in the order of the cursor; a source that is read whole is sorted here."""
    name = stream.cursors[0]
    if after is not None:
        for frame in connector.read(stream, after=after):
            yield from frame.iter_rows(named=True)
        return
    whole = [row for frame in connector.read(stream) for row in frame.iter_rows(named=True) if row[name] is not None]
    yield from sorted(whole, key=lambda row: cast("Any", row[name]))


def _newest(connector: Connector[Any], stream: Stream) -> Any:
    """Where what comes from now on begins."""
    column = stream.column(stream.cursors[0])
    if column.type is DataType.TIMESTAMP and column.zone:
        return datetime.now(UTC)
    values = (row[column.name] for row in _rows(connector, stream, None))
    return max(values, default=None)


def _before(stream: Stream, at: Any) -> Any:
    column = stream.column(stream.cursors[0])
    if at is None:
        return None
    if column.type is DataType.TIMESTAMP:
        return datetime.fromisoformat(at) - timedelta(seconds=BACK_S)
    if column.type is DataType.DATE:
        return date.fromisoformat(at) - timedelta(days=1)
    return at - 1 if column.type is DataType.INTEGER else at


def _place(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _key(stream: Stream, rows: list[dict[str, Any]]) -> str:
    """Of rows by their key and cursor; of those without a key, by all they hold."""
    names = (*stream.primary_key, stream.cursors[0]) if stream.primary_key else ()
    parts = [[row[name] for name in names] if names else row for row in rows]
    text = msgspec.json.encode(parts, enc_hook=str)
    return sha256(text).hexdigest()[:32]
