"""The work: the sql kit over psycopg 3, with COPY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from headrace.kits.sql.connector import QUERY_TIMEOUT_S, SqlConnector
from headrace.kits.sql.errors import translate
from headrace.kits.sql.frames import plain
from headrace.sdk import HeadraceError
from headrace.sdk.egress import check_host
from psycopg import sql
from psycopg.rows import tuple_row

from headrace_connector_postgresql import PostgresqlConfig

if TYPE_CHECKING:
    import polars as pl

_PLAIN_TEXTS = (
    "-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=1 -c bytea_output=hex "
    "-c statement_timeout=60000"
)


class PostgresqlConnector(SqlConnector[PostgresqlConfig]):
    """One PostgreSQL database."""

    dialect = "postgres"

    def url(self) -> sa.URL:
        """Where it is."""
        config = self.config
        return sa.URL.create(
            "postgresql+psycopg",
            config.user,
            config.password.reveal() or None,
            config.host,
            config.port,
            config.database,
        )

    def connect_args(self) -> dict[str, Any]:
        """TLS, a name in pg_stat_activity, and a deadline."""
        return {"sslmode": self.config.ssl, "application_name": "headrace", "connect_timeout": 10}

    def pinned(self, host: str, addresses: Sequence[str]) -> dict[str, Any]:
        """The name stays for TLS and messages; libpq dials the addresses, one after another."""
        return {"host": ",".join([host] * len(addresses)), "hostaddr": ",".join(addresses)}

    def link(self, *, replication: bool = False, row_factory: Any = tuple_row) -> psycopg.Connection[Any]:
        """A connection beside the engine's, through the same door, whose texts have one form. The caller closes it.

        Args:
            replication: For the commands of replication instead of SQL.
            row_factory: Of psycopg.

        Raises:
            AuthError, ConfigError, TransientError: as the server answers.
        """
        url = self.url()
        mode: dict[str, Any] = {"replication": "database"} if replication else {}
        try:
            return psycopg.connect(
                **{"host": url.host, **self.pinned(url.host or "", check_host(url.host or "", url.port or 0))},
                port=url.port, dbname=url.database, user=url.username, password=url.password or None, **mode,
                **self.connect_args(), client_encoding="utf8", options=_PLAIN_TEXTS, autocommit=True,
                row_factory=row_factory,
            )  # fmt: skip
        except psycopg.Error as error:
            raise told(error, self.where) from error

    def read_only(self, connection: sa.Connection) -> None:
        """A read-only transaction with a deadline."""
        connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        limit = sa.text("SELECT set_config('statement_timeout', :ms, true)")
        connection.execute(limit, {"ms": str(QUERY_TIMEOUT_S * 1_000)})

    def load(self, connection: sa.Connection, table: sa.Table, frame: pl.DataFrame) -> None:
        """COPY as CSV: Polars writes it without a Python object per value; null is an unquoted nothing."""
        name = sql.Identifier(*([table.schema, table.name] if table.schema else [table.name]))
        columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(name, columns)
        cursor: Any = connection.connection.cursor()
        with cursor.copy(statement) as copy:
            copy.write(_csv(frame))


def told(error: psycopg.Error, where: str) -> HeadraceError:
    """One sentence for an error of a link beside the engine; an operational one is like that of the engine's."""
    known = isinstance(error, psycopg.OperationalError)
    return translate(sa.exc.OperationalError("", None, error) if known else error, where)


def _csv(frame: pl.DataFrame) -> bytes:
    import polars as pl

    frame = plain(frame)
    binary = [name for name, kind in frame.schema.items() if kind == pl.Binary]
    if binary:
        frame = frame.with_columns((pl.lit("\\x") + pl.col(name).bin.encode("hex")).alias(name) for name in binary)
    text: str = frame.write_csv(include_header=False, quote_style="non_numeric", null_value="")
    return text.encode()
