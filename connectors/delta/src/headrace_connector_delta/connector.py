"""The work: tables below one folder of the worker, read by Polars and committed by delta-rs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import (
    CommitFailedError,
    DeltaError,
    DeltaProtocolError,
    TableNotFoundError,
)
from headrace.kits.batches import in_batches, later
from headrace.kits.files import paths
from headrace.sdk import Column, ConfigError, Connector, DataError, Rejector, Stream, TransientError, WriteResult
from headrace.sdk.connectors import WriteMode
from headrace.sdk.frames import from_polars
from headrace.sdk.types import DataType
from msgspec import structs

from headrace_connector_delta import DeltaConfig, DeltaReadOptions
from headrace_connector_delta.commits import Commit

if TYPE_CHECKING:
    from polars import LazyFrame

LOG = "_delta_log"
LISTED_MAX = 500
_PLAIN = re.compile(r"[A-Za-z0-9._=+\-]+(?:/[A-Za-z0-9._=+\-]+)*")
"""Names of folders: Polars 2.1 does not find files below those that a URL would encode, and delta-rs 1.6 panics."""
_CURSORS = {DataType.INTEGER, DataType.DECIMAL, DataType.DATE, DataType.TIMESTAMP}
_BROKEN_RULES = ("invariant", "constraint", "non-nullable", "not null")


class DeltaConnector(Connector[DeltaConfig]):
    """Tables below one folder; nothing stays open between calls."""

    def check(self) -> None:
        """The folder is there and can be listed."""
        if not os.access(self._root(), os.R_OK | os.X_OK):
            raise ConfigError(f"the worker may not list the folder '{self.config.root}'; grant it", field="root")

    def _root(self) -> Path:
        root = paths.resolve_root(self.config.root)[0]
        if not _PLAIN.fullmatch(root.as_posix().strip("/")):
            raise ConfigError(
                f"the path of the folder '{self.config.root}' has signs that Delta tables cannot lie below; choose one "
                "of plain letters, digits and .-_=+",
                field="root",
            )
        return root

    def _folder(self, name: str) -> Path:
        """Where a table is, or would be."""
        folder, root = paths.inside(self._root(), name), self._root()
        below = folder.relative_to(root)
        if not _PLAIN.fullmatch(below.as_posix()) or any(part.startswith((".", "_")) for part in below.parts):
            raise ConfigError(
                f"'{name}' cannot be the name of a Delta table; use plain letters, digits and .-_=+, with no . or _ in "
                "front",
                field="stream",
            )
        return folder

    def discover(self) -> Sequence[Stream]:
        """Tables of the folder and those below, by path, the first 500; names that `stream` refuses are left out."""
        root, names = self._root(), list[str]()
        for at, folders, _ in os.walk(root):
            if LOG in folders:
                names.append(Path(at).relative_to(root).as_posix())
                folders.clear()
            folders[:] = [name for name in folders if _PLAIN.fullmatch(name) and not name.startswith((".", "_"))]
        return [self.stream(name) for name in sorted(names)[:LISTED_MAX] if name != "."]

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """One table, as its log describes it."""
        with _translated(name):
            table = self._table(name, options)
            columns = _columns(table)
        cursors = tuple(column.name for column in columns if column.type in _CURSORS)
        return Stream(name=name, columns=columns, cursors=cursors)

    def _table(self, name: str, options: DeltaReadOptions | None = None) -> DeltaTable:
        """The table in the state that was asked for.

        Raises:
            ConfigError: there is none, or its log leads out of its folder.
        """
        folder = self._folder(name)
        if not (folder / LOG).is_dir():
            raise ConfigError(f"there is no Delta table '{name}' in the folder; correct its name", field="stream")
        asked = options or DeltaReadOptions()
        if asked.version >= 0 and asked.at:
            raise ConfigError("a version and a moment were given; give one of them", field="options.at")
        table = DeltaTable(str(folder), version=asked.version if asked.version >= 0 else None)
        if asked.at:
            table.load_as_version(_moment(asked.at))
        return table

    def _frame(self, name: str, options: DeltaReadOptions | None) -> LazyFrame:
        """Lazy rows of files that lie in the table's folder and are as long as its log says.

        Raises:
            ConfigError: the log leads out of the folder.
            DataError: a file is not whole; Polars would end without a word.
        """
        table, folder = self._table(name, options), self._folder(name)
        added = pl.DataFrame(table.get_add_actions(flatten=True))
        for path, size in added.select("path", "size_bytes").iter_rows():
            file = (folder / unquote(path)).resolve()
            if not file.is_relative_to(folder):
                raise ConfigError(
                    f"the table '{name}' has a file outside of its folder, which is not read; copy the table whole",
                    field="stream",
                )
            if not file.is_file() or file.stat().st_size != size:
                raise DataError(f"a file of the table '{name}' is gone or cut off; restore it", detail=path)
        return pl.scan_delta(table)

    def scan(
        self, stream: Stream, *, options: Any = None, reject: Rejector | None = None, scratch: Path | None = None
    ) -> LazyFrame:
        """Lazy rows; filters and columns reach the Parquet files."""
        with _translated(stream.name):
            return self._frame(stream.name, options)

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
        if not paths.resolve_root(self.config.root)[1]:
            raise ConfigError(
                "this folder belongs to a package and cannot be written; use another connection", field="connection"
            )
        folder = self._folder(name)
        with _translated(name):
            table = self._table(name) if (folder / LOG).is_dir() else None
            there = _columns(table) if table is not None else ()
            return Commit(folder, name, table, there).write(frames, mode, keys, effect_key)


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
