"""Values that a table cannot keep: which they are, and frames without them; nothing is left out unseen."""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl
from msgspec import Struct

from headrace.kits.drift import length_of, missing
from headrace.sdk.connectors import Reject
from headrace.sdk.frames import from_polars, nw, polars_dtype, try_cast
from headrace.sdk.types import Column, DataType

_UUID = r"^\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?$"
_BAD, _CAST = "headrace bad {}", "headrace cast {}"


class Sifted(Struct, frozen=True):
    """A frame with the table's columns and types, the rows left out of it, and how many values were."""

    frame: pl.DataFrame
    rejects: list[Reject]
    discarded: int = 0


class Sieve:
    """Sifts the frames of one write.

    Args:
        there: Columns of the table.
        given: Those of the rows.
        values: Leave out single values instead of rows, where the column may be null.
    """

    def __init__(self, there: Sequence[Column], given: Sequence[Column], *, values: bool) -> None:
        self._extra = [column.name for column in missing(there, given)]
        names = {column.name for column in given}
        self._kept = [column for column in there if column.name in names]
        self._values = values
        self._rows = 0

    def sift(self, frame: pl.DataFrame, beside: pl.DataFrame | None = None) -> Sifted:
        """The rows that fit, and what does not; columns `beside` go along with their rows unseen."""
        reasons = {name: f"the table has no column '{name}'" for name in self._extra}
        tried = self._tried(frame)
        bad = {name: frame[name].is_not_null() for name in self._extra}
        for column in self._kept:
            bad[column.name] = tried[_BAD.format(column.name)]
            reasons[column.name] = _reason(column)
        cast = tried.select(pl.col(_CAST.format(c.name)).alias(c.name) for c in self._kept)
        empty = {c.name: cast[c.name].is_null() for c in self._kept if not c.nullable}
        refused = empty if self._values else {**bad, **{name: bad[name] | marks for name, marks in empty.items()}}
        rows = pl.Series([False] * frame.height, dtype=pl.Boolean)
        for marks in refused.values():
            rows = rows | marks
        discarded = sum(int((marks & ~rows).sum()) for marks in bad.values()) if self._values else 0
        rejects = self._rejects(frame, rows, refused, reasons)
        self._rows += frame.height
        whole = cast if beside is None else cast.hstack(beside)
        return Sifted(whole.filter(~rows), rejects, discarded)

    def _tried(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame, each column cast to the table's type, and marks where that lost something."""
        casts = [(_CAST.format(c.name), c.name, c) for c in self._kept]
        tried: pl.DataFrame = try_cast(nw.from_native(frame.lazy()), casts).to_native().collect()
        source = {column.name: column for column in from_polars(frame.schema)}
        marks = [_lost(column, source[column.name], tried).alias(_BAD.format(column.name)) for column in self._kept]
        out = tried.with_columns(marks)
        return out.with_columns(
            pl.when(~pl.col(_BAD.format(c.name))).then(pl.col(_CAST.format(c.name))).alias(_CAST.format(c.name))
            for c in self._kept
        )

    def _rejects(
        self, frame: pl.DataFrame, rows: pl.Series, bad: dict[str, pl.Series], reasons: dict[str, str]
    ) -> list[Reject]:
        found = []
        for index in rows.arg_true().to_list():
            name = next(name for name, marks in bad.items() if marks[index])
            text = json.dumps(frame.row(index, named=True), default=str, ensure_ascii=False)
            found.append(Reject(self._rows + index + 1, reasons[name], name, text[:10_000]))
        return found


def _reason(column: Column) -> str:
    length = length_of(column)
    what = f"longer than {length} characters" if length else f"no {column.type}, or not an exact one"
    unless = "" if column.nullable else ", or none at all"
    return f"column '{column.name}' holds a value that is {what}{unless}"


def _lost(column: Column, source: Column, tried: pl.DataFrame) -> pl.Series:
    """Where a value is not kept as it is."""
    given, made = tried[column.name], tried[_CAST.format(column.name)]
    lost = given.is_not_null() & made.is_null()
    if column.type is DataType.TEXT and (length := length_of(column)):
        return lost | (made.str.len_chars() > length).fill_null(value=False)
    if column.type is DataType.UUID:
        return lost | (~made.str.contains(_UUID)).fill_null(value=False)
    if column.type is DataType.JSON:
        return lost | pl.Series([value is not None and not _is_json(value) for value in made], dtype=pl.Boolean)
    if source.type not in {DataType.TEXT, column.type} or column.type in {DataType.DECIMAL, DataType.INTEGER}:
        kind = pl.Float64() if source.type is DataType.TEXT else polars_dtype(source)
        back, was = made.cast(kind, strict=False), given.cast(kind, strict=False)
        lost = lost | (back != was).fill_null(value=False)
    return lost


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
