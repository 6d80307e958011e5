"""Where a write goes to: tables are seen once they are committed, so they are made on a link of their own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from headrace.kits.sql.target import Target, Traits
from headrace.kits.sql.types import sql_type
from headrace.sdk import Column, DataError

if TYPE_CHECKING:
    import polars as pl

STAGE = "headrace_stage_"
UNIT_US = 100
"""What a time is kept to."""


class FirebirdTarget(Target):
    """One table.

    Args:
        db: Commits each statement.
        name: Of the table.
        traits: Of the database.

    Attributes:
        rows_in: The write's transaction.
    """

    rows_in: sa.Connection

    def __init__(self, db: sa.Connection, name: str, traits: Traits) -> None:
        super().__init__(db, None, name, traits)
        self._stages: list[sa.Table] = []
        self._new: list[sa.Table] = []

    def create(self, columns: Sequence[Column], keys: Sequence[str], *, history: bool = False) -> sa.Table:
        """Make it; it goes again if the write fails."""
        table = super().create(columns, keys, history=history)
        self._new.append(table)
        return table

    def stage(self, columns: Sequence[Column], target: sa.Table | None = None) -> sa.Table:
        """A table whose rows only this write sees, and which are gone with its transaction."""
        kinds = {c.name: target.c[c.name].type if target is not None and c.name in target.c else sql_type(c)
                 for c in columns}  # fmt: skip
        stage = sa.Table(
            f"{STAGE}{secrets.token_hex(6)}", sa.MetaData(), *(sa.Column(name, kind) for name, kind in kinds.items()),
            prefixes=["GLOBAL TEMPORARY"],
        )  # fmt: skip
        stage.create(self._db)
        self._stages.append(stage)
        return stage

    def unstage(self, stage: sa.Table) -> None:
        """It is held by the transaction; `tidy` drops it behind."""

    def replace(self, stage: sa.Table) -> None:
        """The stage's rows instead of its own; where the columns are others, of a new table of that name."""
        there = sa.Table(self._name, sa.MetaData(), autoload_with=self._db, resolve_fks=False)
        like = sa.Table(stage.name, sa.MetaData(), autoload_with=self._db, resolve_fks=False)
        if _shape(there, self._db) == _shape(like, self._db):
            self.rows_in.execute(sa.delete(there))
        else:
            there.drop(self._db)
            there = sa.Table(self._name, sa.MetaData(), *(sa.Column(c.name, c.type) for c in stage.c))
            there.create(self._db)
        names = [column.name for column in stage.c]
        self.rows_in.execute(sa.insert(there).from_select(names, sa.select(*stage.c)))

    def undo(self) -> None:
        """Drop the table, if this write made it."""
        for table in self._new:
            table.drop(self._db)

    def tidy(self) -> None:
        """Drop the stages."""
        for stage in self._stages:
            stage.drop(self._db)


def _shape(table: sa.Table, db: sa.Connection) -> list[tuple[str, str]]:
    return [(column.name, column.type.compile(dialect=db.dialect)) for column in table.c]


def exact_times(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame, with moments in UTC.

    Raises:
        DataError: a time is finer than Firebird keeps.
    """
    import polars as pl
    from headrace.kits.sql.frames import plain

    frame = plain(frame)
    changed = []
    for name, kind in frame.schema.items():
        if not isinstance(kind, pl.Datetime | pl.Time):
            continue
        unit = 1_000 if isinstance(kind, pl.Time) else {"ns": 1_000, "us": 1, "ms": 0}[kind.time_unit]
        if unit and (frame[name].to_physical() % (unit * UNIT_US) != 0).any():
            raise DataError(
                f"column '{name}' holds a time finer than a ten-thousandth of a second, which Firebird would cut; "
                "nothing was written; truncate it before",
                column=name,
            )
        if isinstance(kind, pl.Datetime) and kind.time_zone:
            changed.append(pl.col(name).dt.replace_time_zone(None))
    return frame.with_columns(changed)
