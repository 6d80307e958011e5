"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestMonetdb(UnprovenContract):
    connector_id = "monetdb"
