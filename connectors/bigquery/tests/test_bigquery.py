"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestBigquery(UnprovenContract):
    connector_id = "bigquery"
    config = {"project": "acme-shop", "dataset": "shop", "service_account": "s3cret/@:word"}
    hidden = "service_account"
