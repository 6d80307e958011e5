"""Writing a table: one commit with the rows and the key of their effect."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from headrace.kits.judging import judged, one_shape
from headrace.sdk import Column
from headrace.sdk.connectors import WriteMode, WriteResult
from headrace.sdk.frames import from_polars

from headrace_connector_delta.fitting import Fitting
from headrace_connector_delta.stage import Stage

EFFECT = "headrace.effect"
"""Key of a commit's metadata; with the value behind it, the application id of its transaction."""


class Commit:
    """One write of one table.

    Args:
        folder: Of the table.
        name: For people.
        table: Opened, if it is there; what others commit after this is a conflict, not an overwrite.
        there: Its columns.
    """

    def __init__(self, folder: Path, name: str, table: DeltaTable | None, there: Sequence[Column]) -> None:
        self._folder, self._name, self._table, self._there = folder, name, table, there

    def write(
        self, frames: Iterator[pl.DataFrame], mode: WriteMode, keys: Sequence[str], effect_key: str
    ) -> WriteResult:
        """Write all frames or none; a repeat of an effect takes none."""
        done = self._done(effect_key)
        first = next(frames, None) if done is None else None
        if first is None:
            return done or WriteResult(0)
        judged(from_polars(first.schema), mode, keys)
        replaced = self._table is None or mode == "overwrite"
        fitting = Fitting(self._name, None if replaced else self._there, first.schema)
        with tempfile.TemporaryDirectory(prefix="headrace-delta-") as scratch:
            stage = Stage(Path(scratch) / "stage.arrow", fitting.columns)
            stage.fill(one_shape(chain([first], frames), first.schema), fitting)
            if mode == "upsert":
                stage.check_keys(keys)
            return self._apply(stage, mode, keys, effect_key, [column.name for column in fitting.columns])

    def _apply(
        self, stage: Stage, mode: WriteMode, keys: Sequence[str], effect_key: str, names: Sequence[str]
    ) -> WriteResult:
        properties, files = _properties(effect_key, stage.rows), stage.properties()
        if self._table is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_deltalake(
                str(self._folder), stage.reader(), mode="error", commit_properties=properties, writer_properties=files
            )
        elif mode == "overwrite":
            write_deltalake(
                self._table, stage.reader(), mode="overwrite", schema_mode="overwrite", commit_properties=properties,
                writer_properties=files,
            )  # fmt: skip
        elif mode == "upsert":
            return WriteResult(stage.rows, self._merge(self._table, stage, keys, names, properties))
        else:
            write_deltalake(
                self._table, stage.reader(), mode="append", schema_mode="merge", commit_properties=properties,
                writer_properties=files,
            )  # fmt: skip
        return WriteResult(stage.rows)

    def _merge(
        self, table: DeltaTable, stage: Stage, keys: Sequence[str], names: Sequence[str],
        properties: CommitProperties | None,
    ) -> int:  # fmt: skip
        """Bring the staged rows in by key; gives how many rows of the table were updated."""
        same = " AND ".join(f"t.{_quoted(key)} = s.{_quoted(key)}" for key in keys)
        every = {_quoted(name): f"s.{_quoted(name)}" for name in names}
        rest = {_quoted(name): f"s.{_quoted(name)}" for name in names if name not in keys}
        merge = table.merge(
            stage.reader(), predicate=same, source_alias="s", target_alias="t", commit_properties=properties,
            writer_properties=stage.properties(),
        )  # fmt: skip
        if rest:
            merge = merge.when_matched_update(rest)
        return int(merge.when_not_matched_insert(every).execute()["num_target_rows_updated"])

    def _done(self, effect_key: str) -> WriteResult | None:
        """The counts of an effect that the table has already."""
        if not effect_key or self._table is None:
            return None
        rows = self._table.transaction_version(f"{EFFECT}:{effect_key}")
        if rows is None:
            return None
        made = next((one for one in self._table.history() if one.get(EFFECT) == effect_key), {})
        return WriteResult(rows, int(made.get("operationMetrics", {}).get("num_target_rows_updated", 0)))


def _properties(effect_key: str, rows: int) -> CommitProperties | None:
    if not effect_key:
        return None
    return CommitProperties(
        custom_metadata={EFFECT: effect_key}, app_transactions=[Transaction(f"{EFFECT}:{effect_key}", rows)]
    )


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
