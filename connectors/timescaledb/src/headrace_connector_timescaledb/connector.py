"""The work: the PostgreSQL family of the sql kit."""

from headrace.kits.sql.postgresql import COMPARED, PostgresConnector

from headrace_connector_timescaledb import TimescaledbConfig


class TimescaledbConnector(PostgresConnector[TimescaledbConfig]):
    """One TimescaleDB database."""

    copies_out = True
    compares = COMPARED
    system_schemas = frozenset(
        {
            "information_schema", "timescaledb_information", "timescaledb_experimental", "_timescaledb_catalog",
            "_timescaledb_internal", "_timescaledb_config", "_timescaledb_cache", "_timescaledb_functions",
            "_timescaledb_debug",
        }
    )  # fmt: skip
