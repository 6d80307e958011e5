"""The work: the reading half of the sql kit over a driver of its own."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.kits.sql.server import DriverReader

from headrace_connector_databricks import DatabricksConfig


class DatabricksConnector(DriverReader[DatabricksConfig]):
    """One Databricks SQL database."""

    dialect = "databricks"
    driver = "databricks"
    package = "headrace-connector-databricks"
    by_name = True
    system_schemas = frozenset({"information_schema"})

    def url(self) -> sa.URL:
        """Where it is."""
        config = self.config
        return sa.URL.create(
            self.driver, "token", config.token.reveal(), config.host, 443,
            query={"http_path": config.http_path, "catalog": config.catalog, "schema": config.schema},
        )  # fmt: skip
