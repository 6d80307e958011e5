"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestTeradata(UnprovenContract):
    connector_id = "teradata"
