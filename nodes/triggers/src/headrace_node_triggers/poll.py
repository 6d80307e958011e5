"""New rows of a stream: those whose cursor column is greater than the last one seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from headrace.sdk import ConfigError, Connector, Event, Received, SourceContext, SourceTrigger, Stream

from headrace_node_triggers.configs import PollConfig

if TYPE_CHECKING:
    import polars as pl

_KINDS: dict[str, type] = {
    "integer": int, "float": float, "text": str, "decimal": Decimal, "date": date, "timestamp": datetime,
}  # fmt: skip

_LEAST: dict[str, Any] = {
    "integer": -(2**31), "float": -1e300, "text": "", "decimal": Decimal(-(10**18)), "date": date(1, 1, 1),
    "timestamp": datetime(1, 1, 1, tzinfo=UTC),
}  # fmt: skip
"""Where a stream without a place begins: a read after something comes in the order of the cursor."""


class Poll(SourceTrigger[PollConfig]):
    """Reads a stream from its cursor on. The place is that of the last row of a batch."""

    @property
    def every_s(self) -> float:
        """As the config says."""
        return self.config.every_seconds

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next batch of new rows as one event.

        Raises:
            ConfigError: the stream has no such cursor column.
        """
        connector = ctx.connector(self.config.connection)
        stream, kind, promised = self._stream(connector)
        name = stream.cursors[0]
        if not cursor and self.config.first == "new":
            return Received(cursor=_at(_newest(connector, stream, name), kind))
        after = _value(cursor or {"type": kind})
        if isinstance(after, datetime) and not stream.column(name).zone:
            after = after.replace(tzinfo=None)
        if promised:
            frames = connector.read(stream, after=after, batch_rows=self.config.batch_rows)
        else:
            frames = _in_order(connector.read(stream), name, after, self.config.batch_rows)
        rows, more = self._batch(frames, name)
        if not rows:
            return Received(cursor=dict(cursor) or _at(None, kind))
        place = _at(rows[-1][name], kind)
        return Received(events=[Event(key=f"{kind}:{place['value']}", rows=rows)], cursor=place, more=more)

    def _stream(self, connector: Connector[Any]) -> tuple[Stream, str, bool]:
        """The stream by its cursor, the cursor's type, and whether the connector reads on from there, in its order."""
        stream = connector.stream(self.config.stream)
        wanted = self.config.cursor or next(iter(stream.cursors), "")
        if not wanted:
            raise ConfigError(
                f"'{stream.name}' has no column that can serve as a cursor; choose one that only grows", field="cursor"
            )
        kind = str(stream.column(wanted).type)
        if kind not in _KINDS:
            raise ConfigError(
                f"'{wanted}' is {kind}; a cursor is a number, a text, a date or a timestamp", field="cursor"
            )
        return msgspec.structs.replace(stream, cursors=(wanted,)), kind, wanted in stream.cursors

    def _batch(self, frames: Iterator[pl.DataFrame], name: str) -> tuple[list[dict[str, Any]], bool]:
        """Rows up to the batch size, never cut between rows of one cursor value: those after it would be lost."""
        rows: list[dict[str, Any]] = []
        most = self.config.batch_rows
        for frame in frames:
            rows += frame.filter(frame[name].is_not_null()).rows(named=True)
            if len(rows) > most:
                cut = most
                while cut > 0 and rows[cut - 1][name] == rows[cut][name]:
                    cut -= 1
                if cut:
                    return rows[:cut], True
        return rows, False


def _in_order(frames: Iterator[pl.DataFrame], name: str, after: Any, most: int) -> Iterator[pl.DataFrame]:
    """The first rows after a place of a source that knows no such cursor, such as a file: it is read whole each time.

    A few more than `most`, with all that share the value of the last.
    """
    found: pl.DataFrame | None = None
    for frame in frames:
        rows = frame.filter(frame[name].is_not_null())
        rows = rows.filter([value > after for value in rows[name]])
        found = rows if found is None else found.vstack(rows)
        if found.height > most:
            found = found.sort(name, maintain_order=True)
            found = found.filter(found[name] <= found[name][most])
    if found is not None and found.height:
        yield found.sort(name, maintain_order=True)


def _newest(connector: Connector[Any], stream: Stream, name: str) -> Any:
    newest: Any = None
    for frame in connector.read(stream, columns=[name]):
        value: Any = frame[name].max()
        if value is not None and (newest is None or value > newest):
            newest = value
    return newest


def _at(value: Any, kind: str) -> dict[str, Any]:
    return {"type": kind, "value": None if value is None else msgspec.to_builtins(value)}


def _value(cursor: Mapping[str, Any]) -> Any:
    if cursor.get("value") is None:
        return _LEAST[cursor["type"]]
    return msgspec.convert(cursor["value"], _KINDS[cursor["type"]], strict=False)
