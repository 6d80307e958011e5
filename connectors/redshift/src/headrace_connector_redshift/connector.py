"""The work: the PostgreSQL family of the sql kit."""

from headrace.kits.sql.postgresql import PostgresConnector
from headrace.kits.sql.target import Traits

from headrace_connector_redshift import RedshiftConfig


class RedshiftConnector(PostgresConnector[RedshiftConfig]):
    """One Amazon Redshift database."""

    dialect = "redshift"
    copies = False  # its COPY reads from S3 only; rows go by INSERT
    traits = Traits(retype="")  # a column's type is fixed, but for longer texts
