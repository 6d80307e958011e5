"""Rows that a table has no place for: handed on with their reason, or kept in a table beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from msgspec import structs

from headrace.kits.sql.target import Target
from headrace.sdk.connectors import Reject, Rejector, WriteResult
from headrace.sdk.tables import QUARANTINE
from headrace.sdk.types import Column

if TYPE_CHECKING:
    import polars as pl


class Outlet:
    """Sifts frames on their way to a table and counts what stays out.

    Args:
        db: In the write's transaction.
        place: Where the target is; makes the table of the quarantine.
        target: The table.
        shapes: Columns of the table and of the rows, if the rows are to be sifted.
        reject: Takes the rows, unless they are quarantined.
        quarantine: Keep the rows in a table beside the target.
        values: Leave out values rather than rows.
        beside: Column that goes along unseen.
    """

    def __init__(
        self, db: sa.Connection, place: Target, target: sa.Table,
        shapes: tuple[Sequence[Column], Sequence[Column]] | None, reject: Rejector | None, *,
        quarantine: bool, values: bool, beside: str,
    ) -> None:  # fmt: skip
        self._db, self._place, self._target, self._shapes, self._reject = db, place, target, shapes, reject
        self._quarantined, self._values, self._mark = quarantine, values, beside
        self._rejected = self._discarded = 0
        self._beside: sa.Table | None = None

    def sifted(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames, with the table's columns and the rows that it can keep."""
        if self._shapes is None:
            yield from frames
            return
        from headrace.kits.sieve import Sieve
        from headrace.kits.sql.frames import plain

        sieve = Sieve(*self._shapes, values=self._values)
        for frame in frames:
            given = plain(frame)
            beside = given.select(self._mark) if self._mark else None
            found = sieve.sift(given.drop(self._mark) if self._mark else given, beside)
            self._discarded += found.discarded
            self._rejected += len(found.rejects)
            if found.rejects:
                self._let_go(found.rejects)
            yield found.frame

    def counted(self, result: WriteResult) -> WriteResult:
        """The counts, with what stayed out."""
        return structs.replace(result, rejected=self._rejected, discarded=self._discarded)

    def _let_go(self, rejects: list[Reject]) -> None:
        if not self._quarantined:
            if self._reject is not None:
                self._reject(rejects)
            return
        now = datetime.now(UTC)
        rows = [{"at": now, "reason": r.reason, "column_name": r.column, "row_data": r.data} for r in rejects]
        self._db.execute(sa.insert(self._quarantine()), rows)

    def _quarantine(self) -> sa.Table:
        if self._beside is None:
            made: list[Any] = [sa.Column("at", sa.DateTime(timezone=True)), sa.Column("reason", sa.Text)]
            made += [sa.Column("column_name", sa.Text), sa.Column("row_data", sa.Text)]
            name = f"{self._target.name[:50]}{QUARANTINE}"
            self._beside = sa.Table(name, sa.MetaData(), *made, schema=self._target.schema)
            self._place.beside(self._beside)
        return self._beside
