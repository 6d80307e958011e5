"""Broken promises of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from headrace.sdk import Column, Page, TableOptions
from headrace.sdk.connectors import WriteResult
from msgspec import structs

from .mutant import breaks
from .tiny.connector import TinyConnector

MERGE = ("merge_changes_adds_and_deletes", "merge_deletes_what_is_marked")


@breaks("merge_changes_adds_and_deletes")
class MergeKeepsWhatDidNotCome(TinyConnector):
    def merge(self, db, name, rows, marks, keys, marked):
        if marked or not rows.height:
            return super().merge(db, name, rows, marks, keys, marked)
        return self.fill(db, name, iter([rows]), "upsert", keys)


@breaks("merge_changes_adds_and_deletes")
class MergeOfNothingDeletesAll(TinyConnector):
    def merge(self, db, name, rows, marks, keys, marked):
        if rows.height or marked:
            return super().merge(db, name, rows, marks, keys, marked)
        db.execute(f'delete from "{name}"')
        return WriteResult(0)


@breaks("merge_deletes_what_is_marked")
class MergeIgnoresMarks(TinyConnector):
    def merge(self, db, name, rows, marks, keys, marked):
        return super().merge(db, name, rows, pl.Series([False] * rows.height) if marked else marks, keys, marked)


@breaks("merge_deletes_what_is_marked")
class MergeTakesNothingForAMark(TinyConnector):
    def put(self, db, name, frames, schema, mode, keys, options, reject):
        if options.deletes and mode == "merge":
            frames = (frame.with_columns(pl.col(options.deletes).fill_null(value=True)) for frame in frames)
        return super().put(db, name, frames, schema, mode, keys, options, reject)


@breaks(*MERGE)
class MergeDoesNotCountDeletions(TinyConnector):
    def merge(self, db, name, rows, marks, keys, marked):
        return structs.replace(super().merge(db, name, rows, marks, keys, marked), deleted=0)


@breaks("history_keeps_versions")
class HistoryOverwrites(TinyConnector):
    def history(self, db, name, rows, marks, keys, marked):
        done = super().history(db, name, rows, marks, keys, marked)
        db.execute(f'delete from "{name}" where valid_to is not null')
        return done


@breaks("history_keeps_versions")
class HistoryRepeatsWhatDidNotChange(TinyConnector):
    def differs(self, old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
        return True


@breaks("history_keeps_versions")
class HistoryTakesNothingForEqual(TinyConnector):
    def differs(self, old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
        return any(a != b for a, b in zip(old, new, strict=True) if a is not None and b is not None)


@breaks("history_keeps_versions")
class HistoryLeavesAGap(TinyConnector):
    def history(self, db, name, rows, marks, keys, marked):
        done = super().history(db, name, rows, marks, keys, marked)
        db.execute(f"update \"{name}\" set valid_to = strftime('%Y-%m-%dT%H:%M:%f', valid_to, '+1 day') "
                   "where valid_to is not null")  # fmt: skip
        return done


@breaks("history_keeps_versions")
class HistoryIgnoresMarks(TinyConnector):
    def history(self, db, name, rows, marks, keys, marked):
        return super().history(db, name, rows, pl.Series([False] * rows.height), keys, marked)


class _Drifts(TinyConnector):
    """Takes one way of drift for another."""

    taken: tuple[str, str]

    def put(self, db, name, frames, schema, mode, keys, options, reject):
        wrong = options.drift == self.taken[0] and self.kept(db, name) is not None
        options = TableOptions(drift=self.taken[1], deletes=options.deletes) if wrong else options
        return super().put(db, name, frames, schema, mode, keys, options, reject)


@breaks("freeze_refuses_a_new_column")
class FreezeEvolves(_Drifts):
    taken = ("freeze", "evolve")


@breaks("freeze_refuses_a_new_column")
class FreezeDropsTheColumn(_Drifts):
    taken = ("freeze", "discard_value")


@breaks("evolve_adds_and_widens", "a_late_column_is_refused")
class EvolveIsFrozen(_Drifts):
    taken = ("evolve", "freeze")

    def same(self, frames, schema):
        return frames


@breaks("evolve_adds_and_widens", "evolve_never_narrows")
class EvolveLosesValues(_Drifts):
    taken = ("evolve", "discard_value")


@breaks("evolve_never_narrows")
class EvolveTakesAnyType(TinyConnector):
    def adapt(self, db: Any, name: str, given: Sequence[Column], options: TableOptions) -> list[Column]:
        texts = [column for column in given if column.type == "text"]
        there = self.kept(db, name) or []
        if options.drift == "evolve" and {column.name for column in texts} & {column.name for column in there}:
            by_name = {column.name: column for column in given}
            self.shape(db, name, [by_name.get(column.name, column) for column in there])
            return there
        return super().adapt(db, name, given, options)


@breaks("discard_row_rejects_with_a_reason")
class DiscardsRowsUnseen(TinyConnector):
    def put(self, db, name, frames, schema, mode, keys, options, reject):
        return super().put(db, name, frames, schema, mode, keys, options, lambda _: None)


@breaks("discard_row_rejects_with_a_reason", "quarantine_keeps_rows_beside")
class RejectsAreNotCounted(TinyConnector):
    def put(self, db, name, frames, schema, mode, keys, options, reject):
        return structs.replace(super().put(db, name, frames, schema, mode, keys, options, reject), rejected=0)


@breaks("discard_row_rejects_with_a_reason", "quarantine_keeps_rows_beside")
class RowsOfNullsDoNotFit(TinyConnector):
    def sifted(self, db, name, frames, sieve, mark, counts, let_go):
        for frame in super().sifted(db, name, frames, sieve, mark, counts, let_go):
            yield frame if counts["discarded"] else frame.drop_nulls()


@breaks("discard_value_keeps_the_row")
class DiscardsTheRow(_Drifts):
    taken = ("discard_value", "discard_row")


@breaks("discard_value_keeps_the_row")
class DiscardedValuesAreNotCounted(TinyConnector):
    def put(self, db, name, frames, schema, mode, keys, options, reject):
        return structs.replace(super().put(db, name, frames, schema, mode, keys, options, reject), discarded=0)


@breaks("quarantine_keeps_rows_beside")
class QuarantineForgets(_Drifts):
    taken = ("quarantine", "discard_row")


@breaks("a_late_column_is_refused")
class LateColumnsAreDropped(TinyConnector):
    def same(self, frames, schema):
        return (frame.select(schema.names()) for frame in frames)


@breaks("plan_says_what_is_lost_and_changes_nothing")
class PlanSaysNothing(TinyConnector):
    def plan(self, name, columns, **asked):
        super().plan(name, columns, **asked)
        return []


@breaks("plan_says_what_is_lost_and_changes_nothing")
class PlanLosesNothing(TinyConnector):
    def plan(self, name, columns, **asked):
        return [structs.replace(change, loses=False) for change in super().plan(name, columns, **asked)]


@breaks("plan_says_what_is_lost_and_changes_nothing")
class PlanDoesIt(TinyConnector):
    def plan(self, name, columns, *, mode="append", **asked):
        found = super().plan(name, columns, mode=mode, **asked)
        if mode == "overwrite":
            with self.session() as db:
                db.execute(f'delete from "{name}"')
        return found


@breaks("pages_go_on_from_their_state", "partitions_give_each_row_once")
class PagesRepeatTheLastRow(TinyConnector):
    def behind(self, key: Any, state: Any) -> bool:
        return ("after" not in state or key >= state["after"][0]) and ("until" not in state or key <= state["until"])


@breaks("pages_go_on_from_their_state")
class PagesHaveNoState(TinyConnector):
    def pages(self, stream, **asked):
        for page in super().pages(stream, **asked):
            yield Page(page.frame, {})


@breaks("pages_go_on_from_their_state")
class PagesTakeAnyState(TinyConnector):
    def pages(self, stream, *, state=None, **asked):
        yield from super().pages(stream, state={**(state or {}), "by": list(stream.primary_key)}, **asked)


@breaks("pages_go_on_from_their_state")
class PagesNeedNoKey(TinyConnector):
    def pages(self, stream, **asked):
        if stream.primary_key:
            yield from super().pages(stream, **asked)
            return
        for frame in self.read(stream):
            yield Page(frame, {})


@breaks("partitions_give_each_row_once")
class PartitionsOverlap(TinyConnector):
    def partitions(self, stream, count):
        return [{"by": list(stream.primary_key)} for _ in range(count)]


@breaks("partitions_give_each_row_once")
class OnePartitionHasAll(TinyConnector):
    def partitions(self, stream, count):
        return [{"by": ["id"], "until": 10**9}, {"by": ["id"], "after": [10**9]}]
