"""The work: the sql kit over the standard library's driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from headrace.kits.sql.connector import SqlConnector
from headrace.sdk import ConfigError

from headrace_connector_sqlite import SqliteConfig


class SqliteConnector(SqlConnector[SqliteConfig]):
    """One database file."""

    dialect = "sqlite"

    def url(self) -> sa.URL:
        """The file; its folder must exist.

        Raises:
            ConfigError: it does not.
        """
        path = Path(self.config.path)
        if not path.parent.is_dir():
            raise ConfigError(f"the folder '{path.parent}' does not exist; create it or correct the path", field="path")
        return sa.URL.create("sqlite", database=str(path))

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

    def read_only(self, connection: sa.Connection) -> None:
        """No statement changes anything."""
        connection.execute(sa.text("PRAGMA query_only = 1"))
