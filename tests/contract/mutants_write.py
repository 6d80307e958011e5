"""Broken promises of writing and acting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import polars as pl
from headrace.sdk.connectors import WriteResult

from .mutant import breaks
from .tiny import City
from .tiny.connector import TinyConnector


class _Changed(TinyConnector):
    """Changes frames on their way in."""

    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        raise NotImplementedError

    def write(self, name, frames, **asked):
        return super().write(name, (self.changed(frame) for frame in frames), **asked)


@breaks("nasty_values_come_back_equal")
class RoundsNumbers(_Changed):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col(pl.Float64).round(1))


@breaks("nasty_values_come_back_equal")
class TakesNullForNothing(_Changed):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        if "select" not in frame.columns:
            return frame
        return frame.with_columns(select=pl.col("select").replace("NULL", None))


@breaks("nasty_values_come_back_equal", "upsert_changes_and_adds")
class TrimsTexts(_Changed):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col(pl.String).str.replace_all("[\t\n]", " "))


@breaks("decimals_are_exact")
class DecimalsAreFloats(_Changed):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        exact = {name: kind for name, kind in frame.schema.items() if isinstance(kind, pl.Decimal)}
        return frame.with_columns(pl.col(name).cast(pl.Float64) for name in exact)


@breaks("decimals_are_exact")
class RefusesDecimals(_Changed):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        from headrace.sdk import DataError

        if any(isinstance(kind, pl.Decimal) for kind in frame.dtypes):
            raise DataError("this file takes no decimals; cast them to text before")
        return frame


@breaks("time_zones_keep_the_instant")
class DropsTheZone(_Changed):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col(pl.Datetime("us", "*")).dt.replace_time_zone(None))


@breaks("time_zones_keep_the_instant")
class CutsMicroseconds(_Changed):
    def changed(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col(pl.Datetime("us", "*")).dt.truncate("1s"))


@breaks("append_adds_and_overwrite_replaces", "decimals_are_exact")
class OverwriteAppends(TinyConnector):
    def write(self, name, frames, mode="append", **asked):
        return super().write(name, frames, mode="append" if mode == "overwrite" else mode, **asked)


@breaks("append_adds_and_overwrite_replaces", "the_same_effect_key_is_one_effect", "a_repeated_action_has_one_effect")
class AppendReplaces(TinyConnector):
    def write(self, name, frames, mode="append", **asked):
        return super().write(name, frames, mode="overwrite" if mode == "append" else mode, **asked)


@breaks("a_failing_source_leaves_nothing")
class KeepsHalf(TinyConnector):
    def write(self, name, frames, **asked):
        def ended() -> Iterator[pl.DataFrame]:
            try:
                yield from frames
            except Exception as error:
                failed.append(error)

        failed: list[Exception] = []
        done = super().write(name, ended(), **asked)
        if failed:
            raise failed[0]
        return done


@breaks("the_same_effect_key_is_one_effect", "a_repeated_action_has_one_effect")
class ForgetsEffects(TinyConnector):
    def write(self, name, frames, effect_key="", **asked):
        return super().write(name, frames, **asked)


@breaks("the_same_effect_key_is_one_effect", "a_repeated_action_has_one_effect")
class TakesAllEffectsForOne(TinyConnector):
    def write(self, name, frames, effect_key="", **asked):
        return super().write(name, frames, effect_key=effect_key and "any", **asked)


@breaks("the_same_effect_key_is_one_effect")
class RepeatTakesTheFirstFrame(TinyConnector):
    def write(self, name, frames, **asked):
        first = next(frames)
        return super().write(name, chain([first], frames), **asked)


@breaks("the_same_effect_key_is_one_effect", "nasty_values_come_back_equal", "upsert_changes_and_adds")
class CountsTheLastFrame(TinyConnector):
    def fill(self, db, name, frames, mode, keys):
        heights: list[int] = []

        def counted() -> Iterator[pl.DataFrame]:
            for frame in frames:
                heights.append(frame.height - 1)
                yield frame

        done = super().fill(db, name, counted(), mode, keys)
        return WriteResult(heights[-1], done.updated)


@breaks("upsert_changes_and_adds")
class UpsertDoesNotCount(TinyConnector):
    def fill(self, db, name, frames, mode, keys):
        return WriteResult(super().fill(db, name, frames, mode, keys).written)


@breaks("upsert_changes_and_adds")
class UpsertOnlyAdds(TinyConnector):
    def fill(self, db, name, frames, mode, keys):
        if mode != "upsert":
            return super().fill(db, name, frames, mode, keys)
        there = {row[0] for row in db.execute(f'select id from "{name}"').fetchall()}
        given, seen = list(frames), set()
        for key in pl.concat(given).select(keys).iter_rows():
            self.judge(key, keys, seen)
        done = super().fill(db, name, iter([f.filter(~pl.col("id").is_in(list(there))) for f in given]), mode, keys)
        rows = sum(frame.height for frame in given)
        return WriteResult(rows, rows - done.written)


@breaks("upsert_refuses_rows_it_cannot_tell_apart")
class UpsertTakesTheLast(TinyConnector):
    def judge(self, key: tuple[Any, ...], names: Sequence[str], seen: set[tuple[Any, ...]]) -> None:
        if None in key:
            super().judge(key, names, seen)


@breaks("upsert_refuses_rows_it_cannot_tell_apart")
class UpsertTakesNullKeys(TinyConnector):
    def judge(self, key: tuple[Any, ...], names: Sequence[str], seen: set[tuple[Any, ...]]) -> None:
        if None not in key:
            super().judge(key, names, seen)


@breaks("many_rows_in_bounded_memory", slow=True)
class HoardsRows(TinyConnector):
    def read(self, stream, **asked):
        yield from list(super().read(stream, **asked))


@breaks("many_rows_in_bounded_memory", slow=True)
class HoardsFrames(TinyConnector):
    def write(self, name, frames, **asked):
        return super().write(name, iter(list(frames)), **asked)


@breaks("many_rows_in_bounded_memory", slow=True)
class LosesTheLastRow(TinyConnector):
    def read(self, stream, **asked):
        for frame in super().read(stream, **asked):
            yield frame.head(49_999)


@breaks("actions_answer_as_declared")
class AnswersWithoutStruct(TinyConnector):
    def act(self, action, value, *, key):
        super().act(action, value, key=key)
        return {"name": value.name}


@breaks("a_repeated_action_has_one_effect")
class ActsAgain(TinyConnector):
    def act(self, action, value, *, key):
        self.write("added", iter([pl.DataFrame({"name": [value.name]})]))
        return City(value.name)


@breaks("a_repeated_action_has_one_effect")
class DoesNotAct(TinyConnector):
    def act(self, action, value, *, key):
        return City(value.name)
