"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestExasol(UnprovenContract):
    connector_id = "exasol"
