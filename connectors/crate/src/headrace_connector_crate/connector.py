"""The work: the PostgreSQL family of the sql kit, reading."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.kits.sql.postgresql import PostgresReader
from headrace.kits.sql.reader import QUERY_TIMEOUT_S

from headrace_connector_crate import CrateConfig


class CrateConnector(PostgresReader[CrateConfig]):
    """One CrateDB database."""

    system_schemas = frozenset({"information_schema", "sys", "blob"})

    def read_only(self, connection: sa.Connection, limit_s: int = QUERY_TIMEOUT_S) -> None:
        """It knows no such transaction; the SQL policy lets SELECT through only, and its user should have no more."""
