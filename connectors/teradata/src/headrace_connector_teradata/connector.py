"""The work: the sql kit over a driver of its own."""

from __future__ import annotations

import sqlalchemy as sa
from headrace.kits.sql.server import DriverConnector
from headrace.kits.sql.target import Traits

from headrace_connector_teradata import TeradataConfig


class TeradataConnector(DriverConnector[TeradataConfig]):
    """One Teradata Vantage database."""

    driver = "teradatasql"
    package = "headrace-connector-teradata"
    dialect = "teradata"
    system_schemas = frozenset({"dbc", "syslib", "sysudtlib", "td_sysfnlib"})
    traits = Traits(retype="", merges=True, temporary=())

    def url(self) -> sa.URL:
        """The driver takes its port from the query."""
        url = super().url()
        return url.set(port=None).update_query_dict({"dbs_port": str(url.port)})
