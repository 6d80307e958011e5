"""Writing a table: one commit with the rows and the key of their effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import polars as pl
import pyarrow as pa
from headrace.kits.lakes.commit import LakeCommit
from headrace.kits.lakes.fitting import Fitting
from headrace.kits.lakes.stage import MARK, Stage
from headrace.sdk import Column, Rejector
from headrace.sdk.connectors import WriteMode, WriteResult
from headrace.sdk.frames import polars_schema
from headrace.sdk.tables import TableOptions
from msgspec import structs
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import bin_pack_record_batches, write_file
from pyiceberg.table import Table, Transaction, WriteTask

from headrace_connector_iceberg.lake import Lake
from headrace_connector_iceberg.types import made

EFFECT = "headrace.effect"
"""In the summary of a snapshot: the key of the effect, and the counts as `headrace.written` and so on."""
_RETRIES, _MERGES = "commit.retry.num-retries", "commit.manifest-merge.enabled"
_FILE_BYTES, _GROUP_ROWS = _SIZES = ("write.target-file-size-bytes", "write.parquet.row-group-limit")
FILE_BYTES = 64 * 2**20
"""Of rows in a file, before they are packed."""
_COUNTS = tuple(field.name for field in structs.fields(WriteResult))


class Commit(LakeCommit):
    """One write of one table.

    Args:
        lake: Where it is.
        name: With its namespace.
        table: Opened, if it is there; what others commit after this is a conflict, not an overwrite.
        there: Its columns.
        options: Of the step.
        reject: Takes rows that do not fit.
    """

    format, kept = "Iceberg", made

    def __init__(
        self, lake: Lake, name: str, table: Table | None, there: Sequence[Column], options: TableOptions,
        reject: Rejector | None,
    ) -> None:  # fmt: skip
        super().__init__(name, None if table is None else there, options, reject)
        self._lake, self._table, self._there = lake, table, there

    def apply(
        self, stage: Stage, fitting: Fitting, mode: WriteMode, keys: Sequence[str], mark: str, effect_key: str,
        counted: Callable[[WriteResult], WriteResult],
    ) -> WriteResult:  # fmt: skip
        """As `LakeCommit`."""
        result, rows = WriteResult(stage.rows), stage.batches()
        if mode in {"upsert", "merge"}:
            came = stage.keys(keys)
            updated, gone, others = self._looked(came, keys)
            whole = mode == "merge" and not mark
            rows = self._completed(rows, came, keys, {column.name for column in fitting.columns})
            result = WriteResult(stage.rows, updated, deleted=others if whole else gone)
            rows = rows if whole else chain(self._kept(came, keys), rows)
        result = counted(result)
        noted = {f"headrace.{name}": str(count) for name, count in structs.asdict(result).items()}
        noted = {EFFECT: effect_key, **noted} if effect_key else {}
        with self._transaction(stage) as transaction:
            self._shape(transaction, fitting, replaced=mode == "overwrite")
            names, arrow = self._arrow(transaction)
            reader = pa.RecordBatchReader.from_batches(arrow, (_as(batch, names, arrow) for batch in rows))
            with _small_files(transaction, stage.group_rows):
                if mode != "append" and self._table is not None:
                    transaction.delete(AlwaysTrue(), snapshot_properties=noted)
                self._put(transaction, reader, noted)
        return result

    @staticmethod
    def _put(transaction: Transaction, reader: Any, noted: dict[str, str]) -> None:
        """One snapshot of the rows; PyIceberg's own append takes them all before it has written a file."""
        metadata = transaction.table_metadata
        if metadata.spec().fields:  # it writes partitions of what is in memory only
            transaction.append(reader.read_all(), snapshot_properties=noted)
            return
        update, io = transaction.update_snapshot(snapshot_properties=noted), transaction._table.io
        merges = metadata.properties.get(_MERGES) == "true"
        with update.merge_append() if merges else update.fast_append() as snapshot:
            for number, pack in enumerate(bin_pack_record_batches(reader, FILE_BYTES)):
                task = WriteTask(snapshot.commit_uuid, number, metadata.schema(), pack)
                for file in write_file(io, metadata, iter([task])):
                    snapshot.append_data_file(file)

    def _transaction(self, stage: Stage) -> Transaction:
        """Of the table as it was looked at; a conflict is for the worker to try again, with a look at the effects."""
        if self._table is not None:
            self._table.metadata.properties[_RETRIES] = "0"
            return self._table.transaction()
        catalog = self._lake.catalog(make=True)
        assert catalog is not None  # noqa: S101 - it is made
        place = tuple(self.name.split("."))
        catalog.create_namespace_if_not_exists(place[:-1])
        return catalog.create_table_transaction(place, stage.schema)

    def _shape(self, transaction: Transaction, fitting: Fitting, *, replaced: bool) -> None:
        """Give the table the columns that it needs."""
        if self._table is None:
            return
        arrow: Any = pl.DataFrame(schema=polars_schema(fitting.columns)).to_arrow().schema
        if not replaced:
            if fitting.new or fitting.wide:
                with transaction.update_schema() as update:
                    update.union_by_name(arrow)
            return
        same = {column.name for column in self._there if column.name in arrow.names and self._is_so(column, fitting)}
        gone = [column.name for column in self._there if column.name not in same]
        if gone:
            with transaction.update_schema(allow_incompatible_changes=True) as update:
                for name in gone:
                    update.delete_column(name)
        if set(arrow.names) - same:
            with transaction.update_schema() as update:
                update.union_by_name(arrow)

    def _is_so(self, column: Column, fitting: Fitting) -> bool:
        plain = structs.replace(column, native="", nullable=True)
        return any(structs.replace(one, native="", nullable=True) == plain for one in fitting.columns)

    @staticmethod
    def _arrow(transaction: Transaction) -> tuple[list[str], Any]:
        schema = transaction.table_metadata.schema().as_arrow()
        return schema.names, schema

    def _looked(self, came: pl.DataFrame, keys: Sequence[str]) -> tuple[int, int, int]:
        """How many rows are there of keys that came to stay, of keys that came to delete, and of others."""
        updated = gone = others = 0
        for batch in self._current(keys):
            stay = batch.join(came.filter(~pl.col(MARK)), on=list(keys), how="semi").height
            both = batch.join(came, on=list(keys), how="semi").height
            updated, gone, others = updated + stay, gone + both - stay, others + batch.height - both
        return updated, gone, others

    def _completed(
        self, rows: Iterator[Any], came: pl.DataFrame, keys: Sequence[str], given: set[str]
    ) -> Iterator[Any]:
        """Rows with what the table has in columns that did not come."""
        lacking = [column.name for column in self._there if column.name not in given]
        if self._table is None or not lacking:
            return rows
        old = [batch.join(came, on=list(keys), how="semi") for batch in self._current([*keys, *lacking])]
        if not old:
            return rows
        found = pl.concat(old)
        frames = (pl.DataFrame(batch).join(found, on=list(keys), how="left", maintain_order="left") for batch in rows)
        return chain.from_iterable(frame.to_arrow().to_batches() for frame in frames)

    def _kept(self, came: pl.DataFrame, keys: Sequence[str]) -> Iterator[Any]:
        """Rows of the table whose key did not come."""
        for batch in self._current(()):
            yield from batch.join(came, on=list(keys), how="anti").to_arrow().to_batches()

    def _current(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        if self._table is None:
            return
        yield from self._lake.batches(self.name, self._table.scan(selected_fields=tuple(columns) or ("*",)))

    def done(self, effect_key: str) -> WriteResult | None:
        """As `LakeCommit`."""
        for snapshot in self._table.snapshots() if self._table is not None else ():
            said = snapshot.summary.additional_properties if snapshot.summary else {}
            if said.get(EFFECT) == effect_key:
                return WriteResult(*(int(said.get(f"headrace.{name}", 0)) for name in _COUNTS))
        return None


@contextmanager
def _small_files(transaction: Transaction, group_rows: int) -> Iterator[None]:
    """Files and row groups that fit into memory when they are written and read, in this write only."""
    own = {name: value for name, value in transaction.table_metadata.properties.items() if name in _SIZES}
    most = {_FILE_BYTES: FILE_BYTES, _GROUP_ROWS: group_rows}
    transaction.set_properties({name: str(min(int(own.get(name, limit)), limit)) for name, limit in most.items()})
    yield
    transaction.remove_properties(*_SIZES)
    if own:
        transaction.set_properties(own)


def _as(batch: Any, names: Sequence[str], schema: Any) -> Any:
    """A batch with all columns of the table, in its order and types."""
    columns = [
        batch.column(name).cast(field.type) if name in batch.schema.names else pa.nulls(batch.num_rows, field.type)
        for name, field in zip(names, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
