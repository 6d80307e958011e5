"""The connector contract: check, discover, read, write, and what a capability adds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias

from msgspec import Struct

from headrace.sdk.config import ConfigT
from headrace.sdk.errors import ConfigError
from headrace.sdk.host import ConnectionHost
from headrace.sdk.types import Column

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from headrace.sdk.foreign import ConvertedFlow, ForeignFlow
    from headrace.sdk.narrowing import Narrowing
    from headrace.sdk.tables import Change, Page, State

WriteMode: TypeAlias = Literal["append", "overwrite", "upsert", "merge", "scd2"]


class Stream(Struct, frozen=True, kw_only=True):
    """Something with rows in it: a table, a file, an endpoint.

    Attributes:
        name: As a user writes it, e.g. `public.orders` or `2026/*.csv`.
        columns: In order; exactly what `read` yields.
        primary_key: Names of the key columns, if the source knows them.
        cursors: Columns that may serve as cursor of an incremental read.
        rows: Estimate, or None.
        warnings: Losses of precision and the like, one sentence each.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    cursors: tuple[str, ...] = ()
    rows: int | None = None
    warnings: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            ConfigError: naming the stream and the columns there are.
        """
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(c.name for c in self.columns[:20])
        raise ConfigError(f"'{self.name}' has no column '{name}'; it has {known}", field="columns", column=name)


class FileFacts(Struct, frozen=True, kw_only=True):
    """What a store tells of a file without opening it.

    Attributes:
        path: As a stream of the connection is named, with `/`.
        modified_at: Aware; as exact as the store tells it.
    """

    path: str
    size_bytes: int
    modified_at: datetime


class Reject(Struct, frozen=True):
    """A row that does not fit, kept with its reason; never dropped silently.

    Attributes:
        row: 1-based line or row number in the source (0 if it has none).
        reason: One sentence.
        column: The column at fault, if one is.
        data: The row as text, cut at 10,000 characters.
    """

    row: int
    reason: str
    column: str = ""
    data: str = ""


class Message(Struct, frozen=True):
    """One that was taken; `key` names it in its stream, however often it is delivered."""

    key: str
    row: dict[str, Any]


class Taking(Struct, frozen=True, kw_only=True):
    """A question for messages.

    Attributes:
        stream: As the user wrote it.
        reader: Names who takes, where the other side keeps a place for each.
        cursor: Of what was stored last; empty at first.
        most: Messages at once.
        wait_s: How long to wait for the first one.
        first: Where a reader without a place begins, if there is a choice.
    """

    stream: str
    reader: str = "headrace"
    cursor: Mapping[str, Any] = {}
    most: int = 50
    wait_s: float = 1.0
    first: Literal["new", "all"] = "all"


class Taken(Struct, frozen=True, kw_only=True):
    """Messages in their order, and the place behind them where the reader keeps it; `more` may wait already."""

    messages: Sequence[Message] = ()
    cursor: dict[str, Any] = {}
    more: bool = False


Rejector: TypeAlias = Callable[[Sequence[Reject]], None]
"""Takes rejected rows as they are found. A connector that is given none raises DataError instead."""


class WriteResult(Struct, frozen=True):
    """Counts of a write; read = written + rejected.

    Attributes:
        written: Rows that were taken.
        updated: Of these, how many replaced a row (or, with scd2, ended a version) by key.
        deleted: Rows of the target that a merge removed, or scd2 ended; a row that came to mark one counts as written.
        discarded: Values that `discard_value` left out of rows that were written.
    """

    written: int
    updated: int = 0
    rejected: int = 0
    deleted: int = 0
    discarded: int = 0


class Connector(ABC, Generic[ConfigT]):
    """One open connection. Synchronous; one object serves one thread. Nothing is opened before first use."""

    batch_rows: ClassVar[int] = 50_000
    host: ConnectionHost | None = None
    """What the host does for the open connection; None where it is opened by hand, as in tests."""

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    @abstractmethod
    def check(self) -> None:
        """Prove address, credentials and rights with one cheap round trip.

        Raises:
            ConfigError, AuthError, TransientError: each with a sentence and a hint.
        """

    def choices(self, field: str) -> Sequence[str]:
        """Values to choose from for a field of the connection that is declared with `options_from="choices"` (CHOICES).

        The field itself may be filled in with an example. So one chooses the database once host and user are there.
        """
        raise NotImplementedError

    @abstractmethod
    def discover(self) -> Sequence[Stream]:
        """All streams, sorted by name."""

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """One stream by its name; override where it need not list all.

        Args:
            name: As the user wrote it.
            options: A `read_options` Config, if the manifest has one.

        Raises:
            ConfigError: there is no such stream.
        """
        streams = self.discover()
        for stream in streams:
            if stream.name == name:
                return stream
        near = ", ".join(s.name for s in streams[:10]) or "nothing"
        raise ConfigError(f"there is no stream '{name}'; there is {near}", field="stream")

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Yield non-empty frames of at most `batch_rows` rows with exactly `columns` (default: all of the stream).

        Args:
            stream: From `discover` or `stream`.
            columns: Subset, in the order wanted.
            after: Only rows whose first cursor is greater, in cursor order (INCREMENTAL).
            batch_rows: Upper bound of a frame; batches are also bounded to about 16 MiB.
            options: A `read_options` Config, if the manifest has one.
            reject: Takes rows that cannot be read.

        Raises:
            DataError: a row cannot be read and there is no `reject`.
        """
        raise NotImplementedError

    def write(
        self, name: str, frames: Iterator[pl.DataFrame], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        effect_key: str = "", options: Any = None, reject: Rejector | None = None,
    ) -> WriteResult:  # fmt: skip
        """Write all frames or none.

        Args:
            name: Target stream; created when missing.
            frames: At least one frame; the first one gives the schema (it may be empty).
            mode: `append`; `overwrite` (staged, then swapped); `upsert` by `keys`; `merge` (MERGE): an upsert that also
                deletes; `scd2` (SCD2): a version of each row that changed, with `valid_from` and `valid_to`.
            keys: Key columns of an upsert, merge or scd2.
            effect_key: Same key = same effect: a repeat with it changes nothing and gives the same counts.
            options: A `write_options` Config, if the manifest has one.
            reject: Takes rows the target refuses; without it they raise.

        Raises:
            DataError: rows do not fit (duplicate key, null in a key, type), nothing is written.
        """
        raise NotImplementedError

    def plan(
        self, name: str, columns: Sequence[Column], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        options: Any = None,
    ) -> Sequence[Change]:  # fmt: skip
        """What a write of such rows would do to what is there, and what it would lose; changes nothing (PLAN).

        Raises:
            ConfigError: the write would be refused.
        """
        raise NotImplementedError

    def pages(
        self, stream: Stream, *, columns: Sequence[str] | None = None, cursor: str = "", state: State | None = None,
        batch_rows: int = 50_000,
    ) -> Iterator[Page]:  # fmt: skip
        """Read in the order of the primary key; each page has the state from which to go on behind it (PAGES).

        Args:
            stream: Has a primary key.
            columns: As for `read`.
            cursor: Order by this column before the key; rows without a value in it are left out, as by `after`.
            state: Of the last page that was kept, or of a partition.
            batch_rows: As for `read`.

        Raises:
            ConfigError: the stream has no primary key, or the state is of another order.
        """
        raise NotImplementedError

    def partitions(self, stream: Stream, count: int) -> Sequence[State]:
        """Split a stream into at most `count` states for `pages`, of about equal rows; connections may share them.

        Together they give each row once (PAGES).
        """
        raise NotImplementedError

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> Iterator[pl.DataFrame]:
        """Rows of one read-only SELECT under the SQL policy (QUERY)."""
        raise NotImplementedError

    def scan(
        self, stream: Stream, *, options: Any = None, reject: Rejector | None = None, scratch: Path | None = None
    ) -> pl.LazyFrame:
        """Lazy frame whose filters and column choice reach the reader (SCAN). Rows equal those of `read`."""
        raise NotImplementedError

    def fingerprint(self, stream: str, *, options: Any = None) -> str:
        """State of a stream: while this text is the same, `read` gives the same rows, and is left out (FINGERPRINT).

        The worker's supervisor calls it in a thread: it looks at sizes and times, reads nothing, waits for nobody.
        """
        raise NotImplementedError

    def files(self, pattern: str) -> Iterator[FileFacts]:
        """Files that a path or glob matches, in any order; none is no error (FILES). Hidden ones are left out.

        Raises:
            ConfigError: the place to look in does not exist, or the connection has no files.
        """
        raise ConfigError("this connection has no files; choose one of a folder or a bucket", field="connection")

    def hold(self, most: int = 0) -> None:
        """Leave all that the next read takes away with the other side until `acknowledge` (MESSAGES).

        Args:
            most: Messages that it takes at most; 0: as many as there are.
        """
        raise NotImplementedError

    def take(self, asked: Taking) -> Taken:
        """The next messages of a stream; what was not acknowledged comes again (MESSAGES)."""
        raise NotImplementedError

    def acknowledge(self) -> None:
        """What was held, or taken last, is stored: the other side may forget it; twice is fine (MESSAGES)."""
        raise NotImplementedError

    def narrowed(self, stream: Stream, needed: Narrowing, *, batch_rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """Yield frames as `read` does, of the columns named and at least the rows needed (NARROW).

        A comparison that the source may judge in another way than the steps do (by a collation, say) is left to them.
        """
        raise NotImplementedError

    def foreign_flows(self, wanted: Sequence[str] = ()) -> Iterator[ForeignFlow]:
        """Flows of the other system: those with these ids, else all (SYNC_FLOWS). The config has a field `url`.

        What cannot be read of one flow is in its `problem`.

        Raises:
            ConfigError, AuthError, TransientError: nothing can be read.
        """
        raise NotImplementedError

    def converted(self, flow: ForeignFlow, known: Mapping[str, str]) -> ConvertedFlow:
        """A canvas for a flow of the other system; nothing of it is lost, and nothing guessed (SYNC_FLOWS).

        Args:
            flow: From `foreign_flows`.
            known: Ids here of flows there, for steps that call one.

        Raises:
            ConfigError: it is no flow.
        """
        raise NotImplementedError

    def relation(self, stream: Stream) -> Any:
        """Ibis table for push-down (RELATION)."""
        raise NotImplementedError

    def act(self, action: str, value: Struct, *, key: str) -> Struct | None:
        """Perform a declared action; a repeat with the same `key` has one effect."""
        raise NotImplementedError

    def close(self) -> None:
        """Free what is open; twice is fine, and the next call opens again."""
