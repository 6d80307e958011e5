"""The work: the PostgreSQL family of the sql kit."""

from headrace.kits.sql.postgresql import PostgresConnector

from headrace_connector_greenplum import GreenplumConfig


class GreenplumConnector(PostgresConnector[GreenplumConfig]):
    """One Greenplum database."""

    system_schemas = frozenset({"information_schema", "gp_toolkit"})
