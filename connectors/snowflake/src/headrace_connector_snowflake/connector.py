"""The work: the reading half of the sql kit over a driver of its own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from headrace.kits.sql.server import DriverReader

from headrace_connector_snowflake import SnowflakeConfig


class SnowflakeConnector(DriverReader[SnowflakeConfig]):
    """One Snowflake database."""

    dialect = "snowflake"
    driver = "snowflake"
    package = "headrace-connector-snowflake"
    by_name = True
    system_schemas = frozenset({"information_schema"})

    def connect_args(self) -> dict[str, Any]:
        """The dialect tells the driver no account when it is given the whole name of the host."""
        return {"account": self.config.account}

    def url(self) -> sa.URL:
        """Where it is."""
        config = self.config
        given = {"warehouse": config.warehouse, "role": config.role}
        return sa.URL.create(
            self.driver, config.user, config.password.reveal(), f"{config.account}.snowflakecomputing.com",
            database=f"{config.database}/{config.schema}",
            query={name: value for name, value in given.items() if value},
        )  # fmt: skip
