"""SqlConnector: reading and writing over a SQLAlchemy dialect; a database adds its URL and its fast paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa

from headrace.kits.sql.errors import translated
from headrace.kits.sql.ledger import Ledger
from headrace.kits.sql.plan import plan
from headrace.kits.sql.reader import SqlReader
from headrace.kits.sql.target import Target, Traits
from headrace.kits.sql.writer import Writer
from headrace.sdk.config import ConfigT
from headrace.sdk.connectors import Rejector, WriteMode, WriteResult
from headrace.sdk.tables import Change
from headrace.sdk.types import Column

if TYPE_CHECKING:
    import polars as pl


class SqlConnector(SqlReader[ConfigT]):
    """One database that is written as well, in one transaction with the effect ledger."""

    traits: ClassVar[Traits] = Traits()
    """How it departs from what most databases do."""

    def write(
        self, name: str, frames: Iterator[pl.DataFrame], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        effect_key: str = "", options: Any = None, reject: Rejector | None = None,
    ) -> WriteResult:  # fmt: skip
        """Write all frames or none, in one transaction with the effect ledger."""
        schema, table = self.place(name)
        with translated(self.where), self.engine().begin() as connection:
            writer = Writer(
                connection, Target(connection, schema, table, self.traits), Ledger(connection, schema), self.load,
                merges=self.traits.merges, options=options, reject=reject,
            )  # fmt: skip
            return writer.write(frames, mode, keys, effect_key)

    def plan(
        self, name: str, columns: Sequence[Column], *, mode: WriteMode = "append", keys: Sequence[str] = (),
        options: Any = None,
    ) -> Sequence[Change]:  # fmt: skip
        """What such a write would do to the table that is there."""
        schema, table = self.place(name)
        with translated(self.where), self.engine().connect() as connection:
            target = Target(connection, schema, table, self.traits)
            return plan(target, name, columns, mode=mode, options=options)

    def load(self, connection: sa.Connection, table: sa.Table, frame: pl.DataFrame) -> None:
        """Put a frame into a table; override with the driver's bulk path."""
        from headrace.kits.sql.frames import plain_rows

        connection.execute(sa.insert(table), plain_rows(frame))
