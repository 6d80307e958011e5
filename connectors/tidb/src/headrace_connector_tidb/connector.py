"""The work: the MySQL family of the sql kit."""

from headrace.kits.sql.mysql import MysqlConnector

from headrace_connector_tidb import TidbConfig


class TidbConnector(MysqlConnector[TidbConfig]):
    """One TiDB database."""

    loads = False
