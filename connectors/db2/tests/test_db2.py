"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestDb2(UnprovenContract):
    connector_id = "db2"
