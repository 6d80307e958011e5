"""The work: the sql kit over a driver of its own."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.kits.sql.reader import QUERY_TIMEOUT_S
from headrace.kits.sql.server import DriverConnector
from headrace.kits.sql.target import Traits

from headrace_connector_oracle import OracleConfig


class OracleConnector(DriverConnector[OracleConfig]):
    """One Oracle Database database."""

    driver = "oracle+oracledb"
    package = "headrace-connector-oracle"
    dialect = "oracle"
    system_schemas = frozenset({"sys", "system", "xdb", "ctxsys", "mdsys", "outln", "dbsnmp"})
    traits = Traits(
        add="ALTER TABLE %(table)s ADD (%(column)s)", retype="ALTER TABLE %(table)s MODIFY (%(column)s %(type)s)",
        merges=True, temporary=(),
    )  # fmt: skip

    def url(self) -> sa.URL:
        """The database is a service name."""
        url = super().url()
        return url.set(database=None).update_query_dict({"service_name": str(url.database)})

    def read_only(self, connection: sa.Connection, limit_s: int = QUERY_TIMEOUT_S) -> None:
        """A read-only transaction."""
        connection.execute(sa.text("SET TRANSACTION READ ONLY"))
