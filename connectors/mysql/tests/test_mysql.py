"""The contract against a MariaDB server."""

from __future__ import annotations

from headrace.testing.connector_mysql import MysqlContract


class TestMysql(MysqlContract):
    connector_id = "mysql"
