"""The work: the sql kit over a driver of its own."""

from headrace.kits.sql.server import DriverConnector
from headrace.kits.sql.target import Traits

from headrace_connector_vertica import VerticaConfig


class VerticaConnector(DriverConnector[VerticaConfig]):
    """One Vertica database."""

    driver = "vertica+vertica_python"
    package = "headrace-connector-vertica"
    dialect = "postgres"
    system_schemas = frozenset({"v_catalog", "v_monitor", "v_internal", "v_func", "v_txtindex"})
    traits = Traits(
        add="ALTER TABLE %(table)s ADD COLUMN %(column)s", merges=True, temporary=(),
        retype="ALTER TABLE %(table)s ALTER COLUMN %(column)s SET DATA TYPE %(type)s",
    )  # fmt: skip
