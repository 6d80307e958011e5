"""The work: the sql kit over the standard library's driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from headrace.kits.files.paths import database_file
from headrace.kits.sql.connector import SqlConnector
from headrace.kits.sql.reader import QUERY_TIMEOUT_S
from headrace.kits.sql.target import Traits
from headrace.sdk import DataError

from headrace_connector_sqlite import SqliteConfig

if TYPE_CHECKING:
    import polars as pl


class SqliteConnector(SqlConnector[SqliteConfig]):
    """One database file."""

    dialect = "sqlite"
    traits = Traits(retype="")  # a column's type is fixed

    def url(self) -> sa.URL:
        """The file, in a folder that flows may use.

        Raises:
            ConfigError: it is outside of these, or its folder does not exist.
        """
        return sa.URL.create("sqlite", database=str(database_file(self.config.path)))

    def connect_args(self) -> dict[str, Any]:
        """Wait for other writers; transactions are ours, so that DDL is inside them."""
        return {"timeout": 30, "isolation_level": None}

    def engine(self) -> sa.Engine:
        """The engine; every transaction says BEGIN."""
        fresh = self._engine is None
        engine = super().engine()
        if fresh:
            sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    def load(self, connection: sa.Connection, table: sa.Table, frame: pl.DataFrame) -> None:
        """Insert rows; decimals go as text, because the file has floats only.

        Raises:
            DataError: a column of that older kind would round a value.
        """
        import polars as pl

        exact = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Decimal)]
        for name in exact:
            kept = table.c[name].type.dialect_impl(connection.dialect)
            rounded = frame[name].cast(pl.Float64).cast(pl.Decimal(38, frame[name].dtype.scale))  # type: ignore[attr-defined]
            if isinstance(kept, sa.Numeric) and not rounded.equals(frame[name], null_equal=True):
                raise DataError(
                    f"column '{name}' of '{table.name}' keeps numbers as floats, which would round a value; nothing "
                    "was written; make it a TEXT column, or round before",
                    column=name,
                )
        super().load(connection, table, frame.with_columns(pl.col(exact).cast(pl.String)) if exact else frame)

    def read_only(self, connection: sa.Connection, limit_s: int = QUERY_TIMEOUT_S) -> None:
        """No statement changes anything."""
        connection.execute(sa.text("PRAGMA query_only = 1"))
