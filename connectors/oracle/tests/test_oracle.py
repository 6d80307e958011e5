"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestOracle(UnprovenContract):
    connector_id = "oracle"
