"""The work: the MySQL family of the sql kit."""

from headrace.kits.sql.mysql import MysqlConnector

from headrace_connector_mysql import MySQLConfig


class MySQLConnector(MysqlConnector[MySQLConfig]):
    """One MySQL database."""
