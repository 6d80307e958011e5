"""The MySQL family over PyMySQL, with LOAD DATA: its members differ in name and license, not in how rows go in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa

from headrace.kits.sql.connector import SqlConnector
from headrace.kits.sql.ddl import Alter
from headrace.kits.sql.reader import QUERY_TIMEOUT_S
from headrace.kits.sql.target import Traits
from headrace.sdk.config import ConfigT
from headrace.sdk.types import DataType

if TYPE_CHECKING:
    import polars as pl

_SWAP = "RENAME TABLE %(target)s TO %(old)s, %(stage)s TO %(target)s"


def rename_both(connection: sa.Connection, stage: sa.Table, target: sa.Table) -> None:
    """Swap by one atomic RENAME TABLE."""
    old = sa.Table(f"{target.name[:40]}__headrace_old", sa.MetaData(), schema=target.schema)
    old.drop(connection, checkfirst=True)
    connection.execute(Alter(_SWAP, stage=stage, target=target, old=old))
    old.drop(connection)


class MysqlConnector(SqlConnector[ConfigT]):
    """One MySQL or MariaDB database. DDL commits by itself there: an overwrite swaps by one atomic RENAME TABLE."""

    dialect = "mysql"
    compares = frozenset(
        {DataType.INTEGER, DataType.DECIMAL, DataType.DATE, DataType.TEXT}
    )  # TIMESTAMP has the link's zone
    traits = Traits(swap=rename_both, retype="ALTER TABLE %(table)s MODIFY COLUMN %(column)s %(type)s")
    system_schemas = frozenset({"information_schema", "mysql", "performance_schema", "sys"})
    loads: ClassVar[bool] = True
    """Whether LOAD DATA LOCAL is part of a transaction there."""

    def url(self) -> sa.URL:
        """Where it is."""
        config: Any = self.config
        return sa.URL.create(
            "mysql+pymysql", config.user, config.password.reveal() or None, config.host, config.port, config.database,
            {"charset": "utf8mb4"},
        )  # fmt: skip

    def connect_args(self) -> dict[str, Any]:
        """Deadlines."""
        return {"connect_timeout": 10}

    def _through_the_door(self, dialect: Any, record: Any, args: Any, given: dict[str, Any]) -> Any:
        from headrace.kits.sql.load_data import Loading

        super()._through_the_door(dialect, record, args, given)
        return Loading(**given) if self.loads else None

    def load(self, connection: sa.Connection, table: sa.Table, frame: pl.DataFrame) -> None:
        """LOAD DATA where the server takes it and takes every row as it is; else INSERT, which says what is wrong."""
        from headrace.kits.sql.load_data import load_data, loads

        if not (self.loads and loads(connection) and load_data(connection, table, frame)):
            super().load(connection, table, frame)

    def schemas(self, inspector: sa.Inspector) -> list[str | None]:
        """The connection's own database only."""
        return [None]

    def read_only(self, connection: sa.Connection, limit_s: int = QUERY_TIMEOUT_S) -> None:
        """A read-only transaction with a deadline."""
        connection.execute(sa.text("SET SESSION TRANSACTION READ ONLY"))
        maria = connection.dialect.is_mariadb  # type: ignore[attr-defined]
        limit = "SET SESSION max_statement_time = :limit" if maria else "SET SESSION max_execution_time = :limit"
        connection.execute(sa.text(limit), {"limit": limit_s if maria else limit_s * 1_000})
