"""What can be proven without a server."""

from headrace.testing.connector_unproven import UnprovenContract


class TestSnowflake(UnprovenContract):
    connector_id = "snowflake"
    config = {"account": "acme-shop", "database": "SHOP", "user": "reader", "password": "s3cret/@:word"}
    hidden = "password"
