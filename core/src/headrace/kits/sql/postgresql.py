"""The PostgreSQL family over psycopg 3, with COPY: PostgreSQL, and what speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from headrace.kits.sql.connector import SqlConnector
from headrace.kits.sql.frames import plain
from headrace.kits.sql.reader import BATCH_BYTES, QUERY_TIMEOUT_S, SqlReader
from headrace.sdk.config import ConfigT
from headrace.sdk.types import Column, DataType

if TYPE_CHECKING:
    import polars as pl

COMPARED = frozenset({DataType.INTEGER, DataType.DECIMAL, DataType.DATE, DataType.TIMESTAMP, DataType.TEXT})
"""What PostgreSQL itself compares as the steps do; of others that speak its protocol that is not proven."""


class AnyVersion(PGDialect_psycopg):
    """The dialect for servers that name themselves in another way than PostgreSQL does."""

    supports_statement_cache = True

    def _get_server_version_info(self, connection: sa.Connection) -> tuple[int, ...]:
        try:
            return super()._get_server_version_info(connection) or (13,)  # type: ignore[no-untyped-call]
        except AssertionError:
            return (13,)


sa.dialects.registry.register("headrace_postgresql.psycopg", __name__, "AnyVersion")


class PostgresReader(SqlReader[ConfigT]):
    """One database behind the PostgreSQL protocol."""

    dialect = "postgres"
    driver: ClassVar[str] = "headrace_postgresql+psycopg"
    copies_out: ClassVar[bool] = False
    """Whether it answers COPY (SELECT ...) TO STDOUT as PostgreSQL does."""

    def url(self) -> sa.URL:
        """Where it is."""
        config: Any = self.config
        return sa.URL.create(
            self.driver, config.user, config.password.reveal() or None, config.host, config.port, config.database
        )

    def connect_args(self) -> dict[str, Any]:
        """TLS, a name in pg_stat_activity, and a deadline."""
        config: Any = self.config
        return {"sslmode": config.ssl, "application_name": "headrace", "connect_timeout": 10}

    def pinned(self, host: str, addresses: Sequence[str]) -> dict[str, Any]:
        """The name stays for TLS and messages; libpq dials the addresses, one after another."""
        return {"host": ",".join([host] * len(addresses)), "hostaddr": ",".join(addresses)}

    def _frames(
        self, connection: sa.Connection, query: Any, wanted: Sequence[Column], batch_rows: int
    ) -> Iterator[pl.DataFrame]:
        from headrace.kits.sql import copy_out

        if self.copies_out and copy_out.parses(wanted):
            return copy_out.frames(connection, query, wanted, batch_rows, BATCH_BYTES)
        return super()._frames(connection, query, wanted, batch_rows)

    def read_only(self, connection: sa.Connection, limit_s: int = QUERY_TIMEOUT_S) -> None:
        """A read-only transaction with a deadline."""
        connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        limit = sa.text("SELECT set_config('statement_timeout', :ms, true)")
        connection.execute(limit, {"ms": str(limit_s * 1_000)})


class PostgresConnector(PostgresReader[ConfigT], SqlConnector[ConfigT]):
    """One that is written as well."""

    copies: ClassVar[bool] = True
    """Whether it takes COPY ... FROM STDIN."""

    def load(self, connection: sa.Connection, table: sa.Table, frame: pl.DataFrame) -> None:
        """COPY as CSV: Polars writes it without a Python object per value; null is an unquoted nothing."""
        if not self.copies:
            super().load(connection, table, frame)
            return
        name = sql.Identifier(*([table.schema, table.name] if table.schema else [table.name]))
        columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(name, columns)
        cursor: Any = connection.connection.cursor()
        with cursor.copy(statement) as copy:
            copy.write(_csv(frame))


def _csv(frame: pl.DataFrame) -> bytes:
    import polars as pl

    frame = plain(frame)
    binary = [name for name, kind in frame.schema.items() if kind == pl.Binary]
    if binary:
        frame = frame.with_columns((pl.lit("\\x") + pl.col(name).bin.encode("hex")).alias(name) for name in binary)
    text: str = frame.write_csv(include_header=False, quote_style="non_numeric", null_value="")
    return text.encode()
