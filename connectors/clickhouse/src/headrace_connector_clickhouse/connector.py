"""The work: the reading half of the sql kit over a driver of its own."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.kits.sql.server import DriverReader

from headrace_connector_clickhouse import ClickhouseConfig


class ClickhouseConnector(DriverReader[ClickhouseConfig]):
    """One ClickHouse database."""

    dialect = "clickhouse"
    driver = "clickhousedb+connect"
    package = "headrace-connector-clickhouse"
    by_name = True
    system_schemas = frozenset({"system", "information_schema", "INFORMATION_SCHEMA"})

    def url(self) -> sa.URL:
        """Where it is."""
        config = self.config
        url = super().url()
        return url.update_query_dict({"secure": str(config.secure).lower()})
