"""The work: the sql kit over a driver of its own."""

from headrace.kits.sql.server import DriverConnector
from headrace.kits.sql.target import Traits

from headrace_connector_sap_hana import SapHanaConfig


class SapHanaConnector(DriverConnector[SapHanaConfig]):
    """One SAP HANA database."""

    driver = "hana+hdbcli"
    package = "headrace-connector-sap-hana"
    dialect = ""
    system_schemas = frozenset({"sys", "_sys_bic", "_sys_repo", "_sys_statistics"})
    traits = Traits(
        add="ALTER TABLE %(table)s ADD (%(column)s)", retype="ALTER TABLE %(table)s ALTER (%(column)s %(type)s)",
        merges=True, temporary=(),
    )  # fmt: skip
