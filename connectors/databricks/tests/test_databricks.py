"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestDatabricks(UnprovenContract):
    connector_id = "databricks"
    config = {"host": "db.example.org", "http_path": "/sql/1.0/warehouses/shop", "token": "s3cret/@:word"}
    hidden = "token"
