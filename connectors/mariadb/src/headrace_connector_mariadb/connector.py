"""The work: the MySQL family of the sql kit."""

from headrace.kits.sql.mysql import MysqlConnector

from headrace_connector_mariadb import MariaDBConfig


class MariaDBConnector(MysqlConnector[MariaDBConfig]):
    """One MariaDB database."""
