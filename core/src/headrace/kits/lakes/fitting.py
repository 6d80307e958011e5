"""Rows into the columns of a table: each value as it is, or what the way for schema drift says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from headrace.kits.drift import missing, refused, widened
from headrace.kits.exact import exactly, possible
from headrace.kits.lakes.outlet import Outlet
from headrace.kits.sieve import Sieve
from headrace.sdk.connectors import WriteMode
from headrace.sdk.errors import DataError
from headrace.sdk.frames import from_polars
from headrace.sdk.tables import Drift
from headrace.sdk.types import Column


class Fitting:
    """Puts frames into the columns of a table.

    Args:
        table: Its name, for people.
        there: Its columns, if it is there and stays.
        schema: Of the frames, without the mark of deletions.
        kept: Columns by which the format keeps all values of others.
        drift: What becomes of columns and values that have no place there.
        outlet: Takes rows that do not fit.

    Attributes:
        columns: Of the rows, as the table will keep them.
        new: Of these, what the table lacks.
        wide: Of these, what it keeps in a narrower type.

    Raises:
        ConfigError: a column of the rows has no place in it.
    """

    def __init__(
        self, table: str, there: Sequence[Column] | None, schema: pl.Schema, *,
        kept: Callable[[Sequence[Column]], list[Column]], drift: Drift, outlet: Outlet,
    ) -> None:  # fmt: skip
        self.new: Sequence[Column] = ()
        self.wide: Sequence[Column] = ()
        self._outlet, self._sieve = outlet, None
        if there is not None and drift not in {"freeze", "evolve"}:
            given = from_polars(schema)
            names = {column.name for column in given}
            self._sieve = Sieve(there, given, values=drift == "discard_value")
            self.columns = [column for column in there if column.name in names]
            return
        self.columns = kept(from_polars(schema))
        if there is not None:
            self._meet(table, there, drift)

    def _meet(self, table: str, there: Sequence[Column], drift: Drift) -> None:
        """Take the table's columns for those of the rows, and note what it lacks."""
        given = self.columns
        refused(table, there, given, drift)
        if drift == "evolve":
            self.new, self.wide = missing(there, given), widened(there, given)
        by_name = {column.name: column for column in there}
        for column in given:
            if column.name in by_name:
                possible(by_name[column.name], column)
        by_name |= {column.name: column for column in (*self.new, *self.wide)}
        self.columns = [by_name[column.name] for column in given]

    def fit(self, frame: pl.DataFrame, beside: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows that fit, with the table's types, and what was `beside` them.

        Raises:
            DataError: a value would change.
        """
        if self._sieve is None:
            return pl.DataFrame([exactly(frame[column.name], column) for column in self.columns]), beside
        found = self._sieve.sift(frame, beside)
        self._outlet.take(found)
        return found.frame.drop(beside.columns), found.frame.select(beside.columns)


def refuse_nothing(rows: int, mode: WriteMode, mark: str) -> None:
    """Refuse a merge that would empty the table because nothing came.

    Raises:
        DataError: it would.
    """
    if mode == "merge" and not mark and not rows:
        raise DataError(
            "no rows came, and a merge would delete all rows of the table; nothing was written; overwrite the table, "
            "if this is meant"
        )
