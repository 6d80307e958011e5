"""The work: the PostgreSQL family of the sql kit."""

from headrace.kits.sql.postgresql import PostgresConnector

from headrace_connector_yugabytedb import YugabytedbConfig


class YugabytedbConnector(PostgresConnector[YugabytedbConfig]):
    """One YugabyteDB database."""
