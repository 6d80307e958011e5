"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestVertica(UnprovenContract):
    connector_id = "vertica"
