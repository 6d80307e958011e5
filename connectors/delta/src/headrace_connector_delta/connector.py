"""The work: tables of a folder or bucket, read by Polars and committed by delta-rs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import (
    CommitFailedError,
    DeltaError,
    DeltaProtocolError,
    TableNotFoundError,
)
from headrace.kits.batches import in_batches, later
from headrace.sdk import Column, ConfigError, Connector, DataError, Rejector, Stream, TransientError, WriteResult
from headrace.sdk.connectors import WriteMode
from headrace.sdk.frames import from_polars
from headrace.sdk.tables import QUARANTINE, TableOptions
from headrace.sdk.types import DataType
from msgspec import structs

from headrace_connector_delta import DeltaConfig, DeltaReadOptions
from headrace_connector_delta.commits import Commit
from headrace_connector_delta.places import Files, place_of

if TYPE_CHECKING:
    from polars import LazyFrame

LISTED_MAX = 500
_CURSORS = {DataType.INTEGER, DataType.DECIMAL, DataType.DATE, DataType.TIMESTAMP}
_BROKEN_RULES = ("invariant", "constraint", "non-nullable", "not null")


class DeltaConnector(Connector[DeltaConfig]):
    """Tables of one place."""

    def __init__(self, config: DeltaConfig) -> None:
        super().__init__(config)
        self._place = place_of(config)

    def check(self) -> None:
        """The place is there and can be listed."""
        self._place.check()

    def discover(self) -> Sequence[Stream]:
        """Tables of the place and those below, by path, the first 500; names that `stream` refuses are left out."""
        names = sorted(islice((name for name in self._place.names() if name != "."), LISTED_MAX))
        return [self.stream(name) for name in names]

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """One table, as its log describes it."""
        with _translated(name), self._opened(name, options) as (_, table):
            columns = _columns(table)
        cursors = tuple(column.name for column in columns if column.type in _CURSORS)
        return Stream(name=name, columns=columns, cursors=cursors)

    @contextmanager
    def _opened(self, name: str, options: DeltaReadOptions | None) -> Iterator[tuple[Files, DeltaTable]]:
        """The table in the state that was asked for.

        Raises:
            ConfigError: there is none.
        """
        asked = options or DeltaReadOptions()
        if asked.version >= 0 and asked.at:
            raise ConfigError("a version and a moment were given; give one of them", field="options.at")
        with self._place.opened(name, whole=asked.version >= 0 or bool(asked.at)) as files:
            if not files.there:
                raise ConfigError(f"there is no Delta table '{name}' in the folder; correct its name", field="stream")
            table = DeltaTable(str(files.folder), version=asked.version if asked.version >= 0 else None)
            if asked.at:
                table.load_as_version(_moment(asked.at))
            yield files, table

    def scan(
        self, stream: Stream, *, options: Any = None, reject: Rejector | None = None, scratch: Path | None = None
    ) -> LazyFrame:
        """Lazy rows; filters and columns reach the Parquet files."""
        with _translated(stream.name), self._opened(stream.name, options) as (files, table):
            return files.rows(stream.name, table)

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Rows in batches; with `after` the later ones in the order of the first cursor."""
        wanted = [stream.column(name).name for name in columns or [c.name for c in stream.columns]]
        frame = self.scan(stream, options=options)
        if after is not None:
            frame = later(frame, stream.column(stream.cursors[0]), after)
        yield from in_batches(frame.select(wanted), batch_rows, lambda: _translated(stream.name))

    def write(
        self, name: str, frames: Iterator[pl.DataFrame], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        effect_key: str = "", options: Any = None, reject: Rejector | None = None,
    ) -> WriteResult:  # fmt: skip
        """Write all frames or none, in one commit together with the key of their effect."""
        if not self._place.writable:
            raise ConfigError(
                "this folder belongs to a package and cannot be written; use another connection", field="connection"
            )

        def beside(frames: Iterator[pl.DataFrame]) -> None:
            self.write(f"{name}{QUARANTINE}", frames, effect_key=effect_key)

        with _translated(name), self._place.opened(name) as files:
            table = DeltaTable(str(files.folder)) if files.there else None
            there = _columns(table) if table is not None else ()
            history = partial(self._history, name)
            commit = Commit(files, name, table, there, options or TableOptions(), reject, history)
            return commit.write(frames, mode, keys, effect_key, beside)

    def _history(self, name: str) -> list[dict[str, Any]]:
        with self._place.opened(name, whole=True) as files:
            return DeltaTable(str(files.folder)).history()

    def close(self) -> None:
        """Hang up."""
        self._place.close()


def _columns(table: DeltaTable) -> tuple[Column, ...]:
    fields = {field.name: field for field in table.schema().fields}
    found = from_polars(pl.scan_delta(table).collect_schema())
    return tuple(
        structs.replace(column, nullable=fields[column.name].nullable, native=_native(fields[column.name].type))
        for column in found
    )


def _native(kind: Any) -> str:
    said = getattr(kind, "type", kind)
    return said if isinstance(said, str) else str(kind)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ConfigError(f"'{text[:40]}' is no moment with a zone; write one like 2026-01-31T18:00:00Z",
                          field="options.at")  # fmt: skip
    return moment


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """One sentence for what the engines raise; their own words go to `detail`."""
    try:
        yield
    except CommitFailedError as error:
        raise TransientError(
            f"another writer changed the table '{name}' at the same time; nothing was written; it is tried again",
            detail=str(error),
        ) from error
    except (TableNotFoundError, DeltaProtocolError) as error:
        raise ConfigError(
            f"the table '{name}' cannot be opened: its log is damaged, or uses what is not known here",
            field="stream", detail=str(error),
        ) from error  # fmt: skip
    except DeltaError as error:
        if any(word in str(error).lower() for word in _BROKEN_RULES):
            said = f"a row breaks a rule of the table '{name}'; nothing was written"
            raise DataError(said, detail=str(error)) from error
        raise ConfigError(
            f"the table '{name}' cannot be used so; check its log, and the version if one is asked for",
            field="stream", detail=str(error),
        ) from error  # fmt: skip
    except (pl.exceptions.PolarsError, FileNotFoundError) as error:
        raise DataError(f"the files of the table '{name}' cannot be read as its log says", detail=str(error)) from error
