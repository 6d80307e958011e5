"""The work: the reading half of the sql kit over a driver of its own."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.kits.sql.server import DriverReader

from headrace_connector_trino import TrinoConfig


class TrinoConnector(DriverReader[TrinoConfig]):
    """One Trino database."""

    dialect = "trino"
    driver = "trino"
    package = "headrace-connector-trino"
    by_name = True
    system_schemas = frozenset({"information_schema", "system"})

    def url(self) -> sa.URL:
        """Where it is."""
        config = self.config
        place = "/".join(part for part in (config.database, config.schema) if part)
        return super().url().set(database=place)
