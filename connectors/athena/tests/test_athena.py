"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestAthena(UnprovenContract):
    connector_id = "athena"
    config = {
        "region": "eu-central-1",
        "database": "shop",
        "results": "s3://acme-results/",
        "access_key": "AKIAEXAMPLE",
        "secret_key": "s3cret/@:word",
    }
    hidden = "secret_key"
