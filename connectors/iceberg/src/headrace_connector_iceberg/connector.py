"""The work: tables of a catalogue, read and committed by PyIceberg."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from headrace.kits.batches import in_batches, later
from headrace.kits.files.row_files import lazily
from headrace.sdk import Column, ConfigError, Connector, Rejector, Stream, WriteResult
from headrace.sdk.connectors import WriteMode
from headrace.sdk.frames import from_polars, polars_schema
from headrace.sdk.tables import QUARANTINE, TableOptions
from headrace.sdk.types import DataType
from msgspec import structs
from pyiceberg.table import Table

from headrace_connector_iceberg import IcebergConfig, IcebergReadOptions
from headrace_connector_iceberg.commits import Commit
from headrace_connector_iceberg.lake import Lake, translated

if TYPE_CHECKING:
    from polars import LazyFrame

_CURSORS = {DataType.INTEGER, DataType.DECIMAL, DataType.DATE, DataType.TIMESTAMP}


class IcebergConnector(Connector[IcebergConfig]):
    """Tables of one catalog."""

    def __init__(self, config: IcebergConfig) -> None:
        super().__init__(config)
        self._opened: Lake | None = None

    def _lake(self) -> Lake:
        if self._opened is None:
            self._opened = Lake(self.config)
        return self._opened

    def check(self) -> None:
        """The tables' place is there, and the catalogue can be listed."""
        lake = self._lake()
        lake.store.check()
        with translated(self.config.root):
            lake.names()

    def discover(self) -> Sequence[Stream]:
        """All tables of the catalog."""
        with translated(self.config.root):
            names = self._lake().names()
        return [self.stream(name) for name in names]

    def stream(self, name: str, *, options: Any = None) -> Stream:
        """One table, as its log describes it."""
        with translated(name):
            columns = columns_of(self._table(name))
        cursors = tuple(column.name for column in columns if column.type in _CURSORS)
        return Stream(name=name, columns=columns, cursors=cursors)

    def _table(self, name: str) -> Table:
        table = self._lake().table(name)
        if table is None:
            raise ConfigError(f"there is no Iceberg table '{name}' in the catalog; correct its name", field="stream")
        return table

    def scan(
        self, stream: Stream, *, options: Any = None, reject: Rejector | None = None, scratch: Path | None = None
    ) -> LazyFrame:
        """Lazy rows; filters and columns reach the Parquet files."""
        asked = options or IcebergReadOptions()
        with translated(stream.name):
            table = self._table(stream.name)
            names = [column.name for column in stream.columns]
            if asked.appended_after:
                last = table.current_snapshot()
                if asked.appended_after == (asked.snapshot or (last.snapshot_id if last else 0)):
                    return pl.LazyFrame(schema=polars_schema(stream.columns))
                made = table.incremental_append_scan(
                    from_snapshot_id_exclusive=asked.appended_after, to_snapshot_id_inclusive=asked.snapshot or None
                )
                return lazily(polars_schema(stream.columns), self._pieces(stream.name, made))
            whole = table.scan(snapshot_id=asked.snapshot or None)
            if self._lake().store.distant:
                return lazily(polars_schema(stream.columns), self._pieces(stream.name, whole))
            self._lake().tasks(stream.name, whole)
            return pl.scan_iceberg(table, snapshot_id=asked.snapshot or None).select(names)

    def _pieces(self, name: str, scan: Any) -> Callable[[list[str] | None], Iterator[pl.DataFrame]]:
        """Rows of a scan, of the columns that are asked for."""

        def pieces(columns: list[str] | None) -> Iterator[pl.DataFrame]:
            with translated(name):
                chosen = scan if columns is None else scan.select(*columns)
                for frame in self._lake().batches(name, chosen):
                    yield frame if columns is None else frame.select(columns)

        return pieces

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Rows in batches; with `after` the later ones in the order of the first cursor."""
        wanted = [stream.column(name).name for name in columns or [c.name for c in stream.columns]]
        frame = self.scan(stream, options=options)
        if after is not None:
            frame = later(frame, stream.column(stream.cursors[0]), after)
        yield from in_batches(frame.select(wanted), batch_rows, lambda: translated(stream.name))

    def write(
        self, name: str, frames: Iterator[pl.DataFrame], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        effect_key: str = "", options: Any = None, reject: Rejector | None = None,
    ) -> WriteResult:  # fmt: skip
        """Write all frames or none, in one commit together with the key of their effect."""
        lake = self._lake()
        if not lake.store.writable:
            raise ConfigError(
                "this folder belongs to a package and cannot be written; use another connection", field="connection"
            )

        def beside(rows: Iterator[pl.DataFrame]) -> None:
            self.write(f"{name}{QUARANTINE}", rows, effect_key=effect_key)

        with translated(name):
            table = lake.table(name)
            there = columns_of(table) if table is not None else ()
            commit = Commit(lake, name, table, there, options or TableOptions(), reject)
            return commit.write(frames, mode, keys, effect_key, beside)

    def close(self) -> None:
        """Let go of the catalog."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def columns_of(table: Table) -> tuple[Column, ...]:
    """The columns of a table."""
    fields = {field.name: field for field in table.schema().fields}
    schema: Any = pl.from_arrow(table.schema().as_arrow().empty_table())
    return tuple(
        structs.replace(column, nullable=not fields[column.name].required, native=str(fields[column.name].field_type))
        for column in from_polars(schema.schema)
    )
