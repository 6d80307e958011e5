"""The work: the sql kit over a driver of its own."""

from headrace.kits.sql.server import DriverConnector
from headrace.kits.sql.target import Traits

from headrace_connector_monetdb import MonetdbConfig


class MonetdbConnector(DriverConnector[MonetdbConfig]):
    """One MonetDB database."""

    driver = "monetdb"
    package = "headrace-connector-monetdb"
    dialect = ""
    system_schemas = frozenset({"sys", "tmp", "profiler", "logging", "json", "wlc", "wlr"})
    traits = Traits(add="ALTER TABLE %(table)s ADD COLUMN %(column)s", retype="", merges=True, temporary=())
