"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestTrino(UnprovenContract):
    connector_id = "trino"
    config = {"host": "db.example.org", "database": "hive", "user": "reader", "password": "s3cret/@:word"}
    hidden = "password"
