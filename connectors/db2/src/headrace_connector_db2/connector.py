"""The work: the sql kit over a driver of its own."""

from headrace.kits.sql.server import DriverConnector
from headrace.kits.sql.target import Traits

from headrace_connector_db2 import Db2Config


class Db2Connector(DriverConnector[Db2Config]):
    """One IBM Db2 database."""

    driver = "ibm_db_sa"
    package = "headrace-connector-db2"
    dialect = ""
    system_schemas = frozenset({"sysibm", "syscat", "sysstat", "sysibmadm", "sysfun", "sysproc", "systools", "sqlj"})
    traits = Traits(
        add="ALTER TABLE %(table)s ADD COLUMN %(column)s", merges=True, temporary=(),
        retype="ALTER TABLE %(table)s ALTER COLUMN %(column)s SET DATA TYPE %(type)s",
    )  # fmt: skip
