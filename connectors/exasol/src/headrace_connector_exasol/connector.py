"""The work: the sql kit over a driver of its own."""

from headrace.kits.sql.server import DriverConnector
from headrace.kits.sql.target import Traits

from headrace_connector_exasol import ExasolConfig


class ExasolConnector(DriverConnector[ExasolConfig]):
    """One Exasol database."""

    driver = "exa+websocket"
    package = "headrace-connector-exasol"
    dialect = "exasol"
    system_schemas = frozenset({"sys", "exa_statistics"})
    traits = Traits(
        add="ALTER TABLE %(table)s ADD COLUMN %(column)s", merges=True, temporary=(),
        retype="ALTER TABLE %(table)s MODIFY COLUMN %(column)s %(type)s",
    )  # fmt: skip
