"""Writing a table: one commit with the rows and the key of their effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from headrace.kits.lakes.commit import LakeCommit
from headrace.kits.lakes.fitting import Fitting
from headrace.kits.lakes.stage import MARK, Stage
from headrace.sdk import Column, ConfigError, Rejector
from headrace.sdk.connectors import WriteMode, WriteResult
from headrace.sdk.tables import TableOptions
from msgspec import structs

from headrace_connector_delta.places import Files
from headrace_connector_delta.types import made

EFFECT = "headrace.effect"
"""Key of a commit's metadata; with the value behind it, the application id of its transaction."""
_OUT = ("rejected", "discarded")
_METRICS = ("num_target_rows_updated", "num_target_rows_deleted")


class Commit(LakeCommit):
    """One write of one table.

    Args:
        files: Of the table.
        name: For people.
        table: Opened, if it is there; what others commit after this is a conflict, not an overwrite.
        there: Its columns.
        options: Of the step.
        reject: Takes rows that do not fit.
        history: Of the whole table.
    """

    format, kept = "Delta", made

    def __init__(
        self, files: Files, name: str, table: DeltaTable | None, there: Sequence[Column], options: TableOptions,
        reject: Rejector | None, history: Callable[[], list[dict[str, Any]]],
    ) -> None:  # fmt: skip
        super().__init__(name, None if table is None else there, options, reject)
        self._files, self._table, self._history = files, table, history

    def check(self, fitting: Fitting) -> None:
        """A Delta table keeps its types."""
        for column in fitting.wide:
            raise ConfigError(
                f"column '{column.name}' of '{self.name}' would have to become {column.type}, "
                "and a Delta table keeps its types; overwrite the table, or cast before",
                column=column.name,
            )

    def apply(
        self, stage: Stage, fitting: Fitting, mode: WriteMode, keys: Sequence[str], mark: str, effect_key: str,
        counted: Callable[[WriteResult], WriteResult],
    ) -> WriteResult:  # fmt: skip
        """As `LakeCommit`."""
        result = counted(WriteResult(stage.rows))
        updated, deleted = self._commit(stage, mode, keys, _properties(effect_key, result), mark)
        self._files.put(self.name)
        return structs.replace(result, updated=updated, deleted=deleted)

    def _commit(
        self, stage: Stage, mode: WriteMode, keys: Sequence[str], properties: CommitProperties | None, mark: str
    ) -> tuple[int, int]:
        """Gives how many rows of the table were updated and deleted by key."""
        said: dict[str, Any] = {
            "commit_properties": properties, "writer_properties": WriterProperties(max_row_group_size=stage.group_rows),
        }  # fmt: skip
        if self._table is not None and mode in {"upsert", "merge"}:
            self._files.fetch(self._table)
            return self._merge(self._table, stage, keys, said, mark, whole=mode == "merge" and not mark)
        rows = pa.RecordBatchReader.from_batches(stage.schema, stage.batches())
        if self._table is None:
            self._files.folder.mkdir(parents=True, exist_ok=True)
            write_deltalake(str(self._files.folder), rows, mode="error", **said)
        elif mode == "overwrite":
            write_deltalake(self._table, rows, mode="overwrite", schema_mode="overwrite", **said)
        else:
            write_deltalake(self._table, rows, mode="append", schema_mode="merge", **said)
        return 0, 0

    @staticmethod
    def _merge(
        table: DeltaTable, stage: Stage, keys: Sequence[str], said: dict[str, Any], mark: str, *, whole: bool
    ) -> tuple[int, int]:
        """Bring the staged rows in by key; the `whole` table is what came, or those that are marked go."""
        names = stage.schema.names
        same = " AND ".join(f"t.{_quoted(key)} = s.{_quoted(key)}" for key in keys)
        every = {_quoted(name): f"s.{_quoted(name)}" for name in names}
        rest = {_quoted(name): f"s.{_quoted(name)}" for name in names if name not in keys}
        gone = f"s.{_quoted(MARK)}"
        schema = stage.marked if mark else stage.schema
        merge = table.merge(
            pa.RecordBatchReader.from_batches(schema, stage.batches(marked=bool(mark))), predicate=same,
            source_alias="s", target_alias="t", merge_schema=True, **said,
        )  # fmt: skip
        stays = f"NOT {gone}" if mark else None
        if mark:
            merge = merge.when_matched_delete(gone)
        if rest:
            merge = merge.when_matched_update(rest, stays)
        merge = merge.when_not_matched_insert(every, stays)
        if whole:
            merge = merge.when_not_matched_by_source_delete()
        metrics = merge.execute()
        updated, deleted = (int(metrics[name]) for name in _METRICS)
        return updated, deleted

    def done(self, effect_key: str) -> WriteResult | None:
        """As `LakeCommit`."""
        if self._table is None:
            return None
        rows = self._table.transaction_version(f"{EFFECT}:{effect_key}")
        if rows is None:
            return None
        found = next((one for one in self._history() if one.get(EFFECT) == effect_key), {})
        updated, deleted = (int(found.get("operationMetrics", {}).get(name, 0)) for name in _METRICS)
        rejected, discarded = (int(found.get(f"headrace.{name}", 0)) for name in _OUT)
        return WriteResult(rows, updated, rejected, deleted, discarded)


def _properties(effect_key: str, result: WriteResult) -> CommitProperties | None:
    if not effect_key:
        return None
    noted = {f"headrace.{name}": str(getattr(result, name)) for name in _OUT}
    return CommitProperties(
        custom_metadata={EFFECT: effect_key, **noted},
        app_transactions=[Transaction(f"{EFFECT}:{effect_key}", result.written)],
    )


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
