"""RecordsConnector: the contract over records; a connector adds how it opens, names, gives and takes them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import msgspec

from headrace.kits.records.declare import ReadOptions, WriteOptions
from headrace.kits.records.frames import Frames, Record, Unreadable
from headrace.kits.records.schema import LATE, declared, learned
from headrace.kits.records.spool import Part, Spool
from headrace.sdk.config import ConfigT
from headrace.sdk.connectors import Connector, Reject, Rejector, Stream, WriteMode, WriteResult
from headrace.sdk.errors import AuthError, ConfigError, DataError, HeadraceError, TransientError
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import polars as pl

LOOKED_AT = 200
"""So many streams are looked into by `discover`; those after them are only named."""
_T = TypeVar("_T")
_ORDERED = frozenset({DataType.INTEGER, DataType.FLOAT, DataType.DECIMAL, DataType.TIMESTAMP, DataType.DATE})


class Given(msgspec.Struct, frozen=True):
    """What became of the records of a part; `updated` of them replaced one by key, `deleted` removed one."""

    updated: int = 0
    rejects: Sequence[Reject] = ()
    deleted: int = 0


class Write(msgspec.Struct, frozen=True):
    """One write: where to, how, and the `write_options`."""

    name: str
    mode: WriteMode
    keys: tuple[str, ...]
    options: Any

    @property
    def keyed(self) -> bool:
        """Records are known by `keys`."""
        return self.mode in {"upsert", "merge"}

    @property
    def mark(self) -> str:
        """Column of a merge that says which records are to be removed; empty: those whose key does not come."""
        return self.options.deletes if self.mode == "merge" else ""


class After(msgspec.Struct, frozen=True):
    """Only records whose `column` is greater than `value`, in its order."""

    column: str
    value: Any


class RecordsConnector(Connector[ConfigT]):
    """One server. What it opens it opens at first use, and anew after an error.

    Attributes:
        service: Name for people.
        kind: What a stream is called there.
        key: Fields that tell the records of every stream apart.
        facts: Columns that every record has, before those that are learned.
        cursors: Facts that may serve as cursor; `ordered` adds learned columns whose values have an order.
        modes: How it can be written.
        read_options: What the manifest says, for who gives none.
        write_options: The same of writing.
    """

    service: ClassVar[str]
    kind: ClassVar[str] = "collection"
    key: ClassVar[tuple[str, ...]] = ()
    facts: ClassVar[tuple[Column, ...]] = ()
    cursors: ClassVar[tuple[str, ...]] = ()
    ordered: ClassVar[bool] = False
    modes: ClassVar[tuple[str, ...]] = ("append", "overwrite", "upsert")
    read_options: ClassVar[type[Any]] = ReadOptions
    write_options: ClassVar[type[Any]] = WriteOptions

    _linked = False
    """A call has succeeded over the link that is open."""

    @abstractmethod
    def ping(self) -> None:
        """One cheap round trip that proves address and credentials."""

    @abstractmethod
    def names(self) -> Iterable[str]:
        """Names of the streams, in any order."""

    @abstractmethod
    def records(self, name: str, after: After | None, options: Any) -> Iterator[Record]:
        """Records of a stream, those of a page at a time; in the order of `after`, if it is given.

        A stream that is not there has none.
        """

    def key_in(self, name: str) -> tuple[str, ...]:
        """Fields that tell the records of this stream apart."""
        return self.key

    def handed(self, name: str, options: Any) -> None:
        """Called when a batch of records was handed over and the next one is asked for."""

    def released(self) -> None:
        """Called when a read has ended, however; what it holds is let go of."""

    def _handed_on(self, name: str, options: Any) -> None:
        self.handed(name, options)

    def _over(self) -> None:
        self.released()

    def begin(self, write: Write, spool: Spool) -> None:
        """Called once before anything is written."""

    def give(self, write: Write, part: Part) -> Given:
        """Write a part; the same ids again have no second effect where the service honours them."""
        raise NotImplementedError

    def end(self, write: Write, spool: Spool) -> int | None:
        """Called once after everything was written; an overwrite removes what was there before.

        A merge without a mark removes the records whose key did not come, and gives their number.
        """

    def trouble(self, error: Exception) -> HeadraceError | None:
        """One of our errors for a driver's: use `refused`, `away` and the classes; None if it is not a driver's."""
        return None

    def hang_up(self) -> None:
        """Close what is open."""

    @property
    def where(self) -> str:
        """The server for people."""
        config: Any = self.config
        return f"{self.service} at {config.host}:{config.port}"

    def refused(self, error: object, field: str = "password") -> AuthError:
        """The server does not take the credentials."""
        said = f"{self.where} refuses the user or the password; correct them in the connection"
        return AuthError(said, detail=repr(error), field=field)

    def away(self, error: object) -> TransientError:
        """The server does not answer."""
        return TransientError(
            f"{self.where} does not answer; check host and port, and that it runs", detail=repr(error), field="host"
        )

    @contextmanager
    def told(self) -> Iterator[None]:
        """Errors of a driver inside the block become ours; after one the next call opens anew."""
        try:
            yield
            self._linked = True
        except HeadraceError as error:
            if isinstance(error, TransientError | AuthError):
                self.close()
            raise
        except Exception as error:
            known = self.trouble(error)
            if known is None and isinstance(error, OSError):
                known = self.away(error)
            if known is None:
                raise
            self.close()
            raise known from error

    def _call(self, call: Callable[[], _T]) -> _T:
        """Do something that may be repeated; once more over a new link where the one that was open has broken."""
        linked = self._linked
        try:
            with self.told():
                return call()
        except TransientError:
            if not linked:
                raise
        with self.told():
            return call()

    def check(self) -> None:
        """One round trip."""
        self._call(self.ping)

    def discover(self) -> Sequence[Stream]:
        """All streams, sorted; of the first ones with the columns that some of their records have."""
        names = self._call(lambda: sorted(set(self.names())))
        late = "its columns are looked at when it is chosen"
        return [self._offered(name) for name in names[:LOOKED_AT]] + [
            Stream(name=name, columns=(), warnings=(late,)) for name in names[LOOKED_AT:]
        ]

    def _offered(self, name: str) -> Stream:
        try:
            return self.stream(name)
        except ConfigError as error:
            return Stream(name=name, columns=(), warnings=(error.message,))

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """One stream, with the columns that are declared or learned.

        Raises:
            ConfigError: there are no records to learn columns from.
        """
        said: Any = options or self.read_options()
        known = {column.name for column in self.facts}
        key = self._call(lambda: self.key_in(name))
        if said.columns:
            columns = declared(said.columns, key)
            facts = tuple(column for column in self.facts if column.name not in said.columns)
        else:
            with self._started(name, None, said) as found:
                first = [record for record in islice(found, said.sample) if not isinstance(record, Unreadable)]
            if not first:
                raise ConfigError(
                    f"the {self.kind} '{name}' of {self.where} has nothing to learn columns from; correct its name, or "
                    "declare the columns in the options",
                    field="stream",
                )  # fmt: skip
            facts, columns = self.facts, tuple(c for c in learned(first, key) if c.name not in known)
            if said.late == "keep":
                columns += (Column(LATE, DataType.JSON),)
        columns = facts + columns
        names = {column.name for column in columns}
        more = tuple(c.name for c in columns if self.ordered and c.type in _ORDERED)
        return Stream(
            name=name, columns=columns, primary_key=key if names.issuperset(key) else (),
            cursors=(*(c for c in self.cursors if c in names), *(c for c in more if c not in self.cursors)),
        )  # fmt: skip

    def _first(self, name: str, after: After | None, options: Any) -> tuple[Any, list[Record]]:
        found = self.records(name, after, options)
        return found, list(islice(found, 1))

    @contextmanager
    def _started(self, name: str, after: After | None, options: Any) -> Iterator[Iterator[Record]]:
        found, first = self._call(lambda: self._first(name, after, options))
        with self.told():
            try:
                yield chain(first, found)
            except GeneratorExit:  # no more of it is wanted
                with suppress(Exception):
                    found.close()
                    self._over()
                raise
            except BaseException:
                with suppress(Exception):  # the error at hand says more
                    found.close()
                    self.released()
                raise
            found.close()
            self._over()

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Records as frames; those that do not fit the columns are rejected with their reason."""
        said: Any = options or self.read_options()
        wanted = [stream.column(name).name for name in columns or [column.name for column in stream.columns]]
        start = After(stream.cursors[0], after) if after is not None else None
        frames = Frames(
            stream.columns, wanted, reject, open_fields=bool(said.columns),
            made=lambda: self._handed_on(stream.name, said),
        )  # fmt: skip
        with self._started(stream.name, start, said) as found:
            yield from frames.of(found, batch_rows)

    def write(
        self, name: str, frames: Iterator[pl.DataFrame], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        effect_key: str = "", options: Any = None, reject: Rejector | None = None,
    ) -> WriteResult:  # fmt: skip
        """Write the records once their source has ended; a repeat with the same `effect_key` writes the same ids."""
        if mode not in self.modes:
            offered = ", ".join(self.modes)
            raise ConfigError(f"{self.service} cannot be written by '{mode}'; choose {offered}", field="mode")
        said: Any = options or self.write_options()
        updated = rejected = deleted = 0
        write = Write(name, mode, tuple(keys), said)
        with Spool(frames, effect_key, said.json_columns) as spool, self.told():
            if write.keyed:
                spool.check_keys(keys)
            if mode == "merge" and not write.mark and not spool.rows:
                raise DataError(
                    f"no rows came, so this merge would remove every record of '{name}'; nothing was written; see that "
                    "the source has rows, or name a deletion column"
                )
            self.begin(write, spool)
            for part in spool.parts():
                given = self.give(write, part)
                self._pass_on(given.rejects, reject)
                updated, rejected = updated + given.updated, rejected + len(given.rejects)
                deleted += given.deleted
            deleted += self.end(write, spool) or 0
            return WriteResult(spool.rows - rejected, updated, rejected, deleted)

    def _pass_on(self, rejects: Sequence[Reject], reject: Rejector | None) -> None:
        if rejects and reject is None:
            first = rejects[0]
            raise DataError(
                f"row {first.row}: {first.reason}; rows before it may be written, a repeat writes none of them twice; "
                "connect the error port, or correct the row",
                row=first.row, column=first.column, sample=first.data[:200],
            )  # fmt: skip
        if rejects and reject is not None:
            reject(rejects)

    def close(self) -> None:
        """Hang up."""
        self._linked = False
        with suppress(Exception):  # a link that is broken already
            self.hang_up()


def key_of(record: Mapping[str, Any], keys: Sequence[str]) -> str:
    """One text for the values of a key: the value itself, or JSON of several."""
    values = [record[name] for name in keys]
    if len(values) == 1 and isinstance(values[0], str | int) and not isinstance(values[0], bool):
        return str(values[0])
    return msgspec.json.encode(values, enc_hook=str).decode()
