"""MessagesConnector: what is read and taken stays with the broker until it is acknowledged, once it is stored here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from headrace.kits.records.connector import RecordsConnector
from headrace.sdk.config import ConfigT
from headrace.sdk.connectors import Message, Rejector, Stream, Taken, Taking

if TYPE_CHECKING:
    import polars as pl

    from headrace.kits.records.connector import After
    from headrace.kits.records.frames import Record


class MessagesConnector(RecordsConnector[ConfigT]):
    """One broker. A connector says by `handed` how it acknowledges, and by `released` how it gives back.

    Where the other side keeps no place for a reader, a connector overrides `take` and moves a cursor.
    """

    _holds = False
    _most = 0
    _open_read: tuple[str, Any] | None = None
    """Name and options of a read whose messages wait for `acknowledge`."""
    _wait_s: float | None = None
    _first_is: Literal["new", "all"] = "all"

    @property
    def quiet_s(self) -> float:
        """After so long without a message there are no more."""
        config: Any = self.config
        return float(config.quiet_s if self._wait_s is None else self._wait_s)

    def taking(self, reader: str, most: int) -> Any:
        """Read options with which messages are taken away."""
        said = {"take": "consume", "max_messages": most, "subscription": reader}
        return self.read_options(**{name: said[name] for name in said if name in self.read_options.__struct_fields__})

    def hold(self, most: int = 0) -> None:
        """From now on nothing is acknowledged before `acknowledge`."""
        self._holds, self._most = True, most

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """As of records; what is held waits for `acknowledge`."""
        if self._holds:
            self._give_back()
            self._open_read = (stream.name, options or self.read_options())
        found = super().read(
            stream, columns=columns, after=after, batch_rows=batch_rows, options=options, reject=reject
        )
        try:
            yield from found
        except GeneratorExit:  # no more of it is wanted: what was given counts
            raise
        except BaseException:
            self._open_read = None
            raise

    def _first(self, name: str, after: After | None, options: Any) -> tuple[Any, list[Record]]:
        if self._open_read is None or not self._most:
            return super()._first(name, after, options)
        found = _atmost(self.records(name, after, options), self._most)
        return found, list(islice(found, 1))

    def take(self, asked: Taking) -> Taken:
        """The messages that are there, at most so many."""
        self._give_back()
        self._wait_s, self._first_is = asked.wait_s, asked.first
        options = self.taking(asked.reader, asked.most)

        def some() -> list[Record]:
            found: Any = self.records(asked.stream, None, options)
            rows: list[Record] = list(islice(found, asked.most))
            found.close()
            return rows

        rows = self._call(some)
        self._open_read = (asked.stream, options)
        messages = [self._message(row) for row in rows]
        return Taken(messages=messages, cursor=dict(asked.cursor), more=len(rows) == asked.most)

    def _message(self, row: Mapping[str, Any]) -> Message:
        named = [str(row[name]) for name in self.key or ("_id",) if row.get(name) is not None]
        return Message(":".join(named) or uuid4().hex, dict(row))

    def acknowledge(self) -> None:
        """What was read or taken is done with."""
        opened, self._open_read = self._open_read, None
        if opened is not None:
            with self.told():
                self.handed(*opened)
                self.released()

    def _give_back(self) -> None:
        if self._open_read is not None:
            self._open_read = None
            with self.told():
                self.released()

    def _handed_on(self, name: str, options: Any) -> None:
        if self._open_read is None:
            super()._handed_on(name, options)

    def _over(self) -> None:
        if self._open_read is None:
            super()._over()

    def close(self) -> None:
        """Give back what was not acknowledged, and hang up."""
        if self._open_read is not None:
            self._open_read = None
            with suppress(Exception):  # over a link that is broken the broker takes it back itself
                self.released()
        super().close()


def _atmost(found: Any, most: int) -> Iterator[Record]:
    try:
        yield from islice(found, most)
    finally:
        found.close()
