"""The work: the PostgreSQL family of the sql kit."""

from headrace.kits.sql.postgresql import PostgresConnector
from headrace.kits.sql.target import Traits

from headrace_connector_cockroachdb import CockroachdbConfig


class CockroachdbConnector(PostgresConnector[CockroachdbConfig]):
    """One CockroachDB database."""

    traits = Traits(temporary=())  # temporary tables are an experiment there
