"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestMssql(UnprovenContract):
    connector_id = "mssql"
