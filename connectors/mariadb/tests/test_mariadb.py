"""The contract against a MariaDB server."""

from __future__ import annotations

from headrace.testing.connector_mysql import MysqlContract


class TestMariadb(MysqlContract):
    connector_id = "mariadb"
