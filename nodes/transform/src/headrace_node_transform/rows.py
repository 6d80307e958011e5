"""Nodes that choose or order rows: filter, split, sort, limit, distinct, sample."""

from __future__ import annotations

from typing import Any

from headrace.sdk import ConfigError, Node, NodeContext
from headrace.sdk.expressions import condition
from headrace.sdk.frames import Frame, Frames, columns, nw, require
from headrace.sdk.frames import names as names_of
from headrace.sdk.narrowing import Kept

from headrace_node_transform.configs import (
    DistinctConfig,
    FilterConfig,
    LimitConfig,
    SampleConfig,
    SortConfig,
    SortRow,
    SplitConfig,
)
from headrace_node_transform.single import Single


class Filter(Single[FilterConfig]):
    """Keep the rows for which the condition is true."""

    def step(self, frame: Frame) -> Frame:
        """The result: the columns of `in`."""
        return frame.filter(condition(self.config.where, columns(frame), "where"))

    def keeps(self) -> Kept:
        """The rows that meet the condition."""
        return Kept(where=self.config.where)


class Split(Node[SplitConfig]):
    """Send each row to one of two ports."""

    def run(self, ctx: NodeContext, inputs: Frames) -> Frames:
        """Return `true` and `false`; a condition that is null counts as false, so that no row is lost."""
        frame = inputs["in"]
        test = (
            nw.when(condition(self.config.where, columns(frame), "where")).then(nw.lit(True)).otherwise(nw.lit(False))
        )
        return {"true": frame.filter(test), "false": frame.filter(~test)}


def ordered(frame: Frame, rows: list[SortRow], *, nulls_last: bool, field: str) -> Frame:
    """The frame in that order."""
    require(frame, [row.column for row in rows], field)
    return frame.sort([row.column for row in rows], descending=[row.descending for row in rows], nulls_last=nulls_last)


class Sort(Single[SortConfig]):
    """Order the rows."""

    def step(self, frame: Frame) -> Frame:
        """The result: the rows of `in`, ordered."""
        return ordered(frame, self.config.by, nulls_last=self.config.nulls_last, field="by")


class Limit(Single[LimitConfig]):
    """Keep the first rows."""

    def step(self, frame: Frame) -> Frame:
        """The result: with at most `rows` rows."""
        if self.config.order:
            frame = ordered(frame, self.config.order, nulls_last=True, field="order")
        return frame.head(self.config.rows)

    def keeps(self) -> Kept | None:
        """The first rows, unless all are needed to know which these are."""
        return Kept(rows=self.config.rows) if self.config.rows and not self.config.order else None


class Distinct(Single[DistinctConfig]):
    """Keep one of equal rows."""

    def step(self, frame: Frame) -> Frame:
        """The result: the columns of `in`."""
        config = self.config
        require(frame, config.columns, "columns")
        require(frame, config.order_by, "order_by")
        if config.keep in {"first", "last"} and not config.order_by:
            raise ConfigError(
                f"'order_by': keeping the {config.keep} row needs an order; name a column", field="order_by"
            )
        return frame.unique(config.columns or None, keep=config.keep, order_by=config.order_by or None)


class Sample(Single[SampleConfig]):
    """Take a part of the rows: by a hash of their place, so that a repeat gives the same ones."""

    def step(self, frame: Frame) -> Frame:
        """The result: the columns of `in`, in their order."""
        config = self.config
        names = names_of(frame)
        place, mark = _free("_place", names), _free("_mark", names)
        placed = _numbered(frame, place)
        mixed = placed.with_columns(_mixed(nw.col(place), config.seed).alias(mark))
        if config.rows:
            chosen = mixed.top_k(config.rows, by=mark).sort(place)
        else:
            chosen = mixed.filter(nw.col(mark) < int(config.fraction * _PRIME))
        return chosen.select(names)


_PRIME = 2_147_483_647


def _mixed(place: nw.Expr, seed: int) -> nw.Expr:
    """Three rounds of multiply and remainder in 64 bits: the same numbers on every engine."""
    value: Any = place.cast(nw.Int64) + (seed + 1)
    for factor in (48_271, 1_103_515_245, 69_621):
        value = (value % _PRIME) * factor % _PRIME
        value = (value * value + value * 7 + 12_345) % _PRIME
    return value  # type: ignore[no-any-return]


def _numbered(frame: Frame, name: str) -> Frame:
    if frame.implementation.is_polars():
        numbered: Frame = nw.from_native(frame.to_native().with_row_index(name))
        return numbered
    return frame.with_row_index(name, order_by=names_of(frame))


def _free(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name
