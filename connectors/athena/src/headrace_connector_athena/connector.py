"""The work: the reading half of the sql kit over a driver of its own."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.kits.sql.server import DriverReader

from headrace_connector_athena import AthenaConfig


class AthenaConnector(DriverReader[AthenaConfig]):
    """One Amazon Athena database."""

    dialect = "athena"
    driver = "awsathena+rest"
    package = "headrace-connector-athena"
    by_name = True
    system_schemas = frozenset({"information_schema"})

    def url(self) -> sa.URL:
        """Where it is."""
        config = self.config
        return sa.URL.create(
            self.driver, config.access_key, config.secret_key.reveal(), f"athena.{config.region}.amazonaws.com", 443,
            config.database, {"s3_staging_dir": config.results, "work_group": config.work_group},
        )  # fmt: skip
