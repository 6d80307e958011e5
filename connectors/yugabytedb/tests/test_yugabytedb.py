"""The contract against a server of the same protocol; tests/dialects has the short form that always runs."""

import pytest
from headrace.testing.connector_postgresql import PostgresContract


@pytest.mark.slow  # the whole contract, which the family's own connector keeps by default
class TestYugabytedb(PostgresContract):
    connector_id = "yugabytedb"
