"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestClickhouse(UnprovenContract):
    connector_id = "clickhouse"
    config = {"host": "db.example.org", "database": "shop", "user": "reader", "password": "s3cret/@:word"}
    hidden = "password"
