"""Broken promises of reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from headrace.sdk import Stream
from msgspec import structs

from .mutant import breaks
from .tiny.connector import Relation, TinyConnector


@breaks("discover_is_sorted_unique_and_stable")
class DiscoversUnsorted(TinyConnector):
    def discover(self) -> Sequence[Stream]:
        found = super().discover()
        return [found[0], *found[:0:-1]]


@breaks("discover_is_sorted_unique_and_stable")
class DiscoversTwice(TinyConnector):
    def discover(self) -> Sequence[Stream]:
        found = super().discover()
        return [*found, found[-1]]


@breaks("discover_is_sorted_unique_and_stable")
class DiscoversOnce(TinyConnector):
    asked = False

    def discover(self) -> Sequence[Stream]:
        found = super().discover()
        first, self.asked = not self.asked, True
        return found if first else [stream for stream in found if stream.name != "zero"]


@breaks("frames_have_the_declared_schema")
class GivesEmptyFrames(TinyConnector):
    def read(self, stream, **asked):
        for frame in super().read(stream, **asked):
            yield frame
            yield frame.clear()


@breaks("frames_have_the_declared_schema")
class GivesLargeFrames(TinyConnector):
    def read(self, stream, batch_rows=50_000, **asked):
        yield from super().read(stream, batch_rows=batch_rows + 1, **asked)


class _OtherFrames(TinyConnector):
    """Breaks frames, not what is made of them."""

    def scan(self, stream, **asked):
        return TinyConnector(self.config).scan(stream, **asked)

    def relation(self, stream: Stream) -> Any:
        return TinyConnector(self.config).relation(stream)


@breaks("frames_have_the_declared_schema")
class GivesOtherTypes(_OtherFrames):
    def read(self, stream, **asked):
        for frame in super().read(stream, **asked):
            yield frame.with_columns(pl.col(pl.Int64).cast(pl.Int32))


@breaks("columns_come_in_the_order_asked")
class OrdersColumnsItself(TinyConnector):
    def read(self, stream, columns=None, **asked):
        wanted = [column.name for column in stream.columns if columns is None or column.name in columns]
        yield from super().read(stream, columns=wanted, **asked)


@breaks("an_abandoned_read_leaves_it_usable", "a_read_is_cancelled_between_frames")
class AbandonedReadBreaksIt(TinyConnector):
    reading = False

    def read(self, stream, **asked):
        assert not self.reading, "another read is open"
        self.reading = True
        yield from super().read(stream, **asked)
        self.reading = False


@breaks("a_read_is_cancelled_between_frames")
class SwallowsCancelling(TinyConnector):
    def read(self, stream, **asked):
        try:
            yield from super().read(stream, **asked)
        except Exception:
            return


@breaks("a_read_is_cancelled_between_frames")
class CannotBeCancelled(TinyConnector):
    def read(self, stream, **asked):
        return iter(list(super().read(stream, **asked)))


@breaks("a_read_is_cancelled_between_frames")
class HoldsItsLock(TinyConnector):
    held: Any = None

    def read(self, stream, **asked):
        if asked.get("batch_rows") == 1 and self.held is None:
            self.held = self.open()
            self.held.execute("begin immediate")
        yield from super().read(stream, **asked)

    def close(self) -> None:
        if self.held is not None:
            self.held.close()


@breaks("keys_are_unique_and_filled")
class KeyIsNotUnique(TinyConnector):
    keys = ("country",)


@breaks("keys_are_unique_and_filled")
class KeyIsNull(TinyConnector):
    keys = ("area",)


@breaks("keys_are_unique_and_filled")
class KeyIsNoColumn(TinyConnector):
    keys = ("ID",)


@breaks("after_gives_the_later_rows_in_order")
class IgnoresAfter(TinyConnector):
    def read(self, stream, after=None, **asked):
        yield from super().read(stream, **asked)


@breaks("after_gives_the_later_rows_in_order")
class RepeatsTheLastRow(TinyConnector):
    def read(self, stream, after=None, **asked):
        yield from super().read(stream, after=None if after is None else after - 1, **asked)


@breaks("after_gives_the_later_rows_in_order")
class ForgetsTheOrder(TinyConnector):
    def read(self, stream, after=None, **asked):
        for frame in super().read(stream, after=after, **asked):
            yield frame if after is None else frame.reverse()


@breaks("scan_equals_read")
class ScanLosesARow(TinyConnector):
    def scan(self, stream, **asked):
        return super().scan(stream, **asked).slice(1)


@breaks("scan_equals_read")
class ScanIsNotLazy(TinyConnector):
    def scan(self, stream, **asked):
        return super().scan(stream, **asked).collect()


@breaks("a_narrowed_read_has_all_that_is_needed")
class NarrowedLosesARow(TinyConnector):
    def narrowed(self, stream, needed, **asked):
        for frame in super().narrowed(stream, needed, **asked):
            yield frame.slice(1) if needed.where and frame.height > 1 else frame


@breaks("a_narrowed_read_has_all_that_is_needed")
class NarrowedForgetsNulls(TinyConnector):
    def narrowed(self, stream, needed, **asked):
        for frame in super().narrowed(stream, needed, **asked):
            yield frame.drop_nulls() if needed.where else frame


@breaks("a_narrowed_read_has_all_that_is_needed")
class NarrowedGivesEveryColumn(TinyConnector):
    def narrowed(self, stream, needed, **asked):
        yield from super().narrowed(stream, structs.replace(needed, columns=()), **asked)


@breaks("a_narrowed_read_has_all_that_is_needed")
class NarrowedGivesTooManyRows(TinyConnector):
    def narrowed(self, stream, needed, **asked):
        yield from super().narrowed(stream, structs.replace(needed, rows=0), **asked)


@breaks("relation_equals_read")
class RelationLosesARow(TinyConnector):
    def relation(self, stream: Stream) -> Any:
        return Relation(super().relation(stream).to_polars().slice(1))


@breaks("relation_equals_read")
class RelationOrdersColumnsItself(TinyConnector):
    def relation(self, stream: Stream) -> Any:
        frame = super().relation(stream).to_polars()
        return Relation(frame.select(reversed(frame.columns)))


@breaks("frames_have_the_declared_schema", "relation_equals_read")
class GivesColumnsInAnotherOrder(_OtherFrames):
    def read(self, stream, columns=None, **asked):
        for frame in super().read(stream, columns=columns, **asked):
            yield frame if columns else frame.select(reversed(frame.columns))


@breaks("frames_have_the_declared_schema", "scan_equals_read", "relation_equals_read")
class GivesOneColumnMore(_OtherFrames):
    def read(self, stream, columns=None, **asked):
        for frame in super().read(stream, columns=columns, **asked):
            yield frame if columns else frame.with_columns(source=pl.lit("tiny"))


@breaks("files_are_told_with_their_facts")
class FilesHaveNoZone(TinyConnector):
    def files(self, pattern: str) -> Any:
        for facts in super().files(pattern):
            yield structs.replace(facts, modified_at=facts.modified_at.replace(tzinfo=None))


@breaks("files_are_told_with_their_facts")
class FilesIgnoreTheName(TinyConnector):
    def files(self, pattern: str) -> Any:
        return super().files("*")
