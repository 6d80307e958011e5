"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestSapHana(UnprovenContract):
    connector_id = "sap_hana"
