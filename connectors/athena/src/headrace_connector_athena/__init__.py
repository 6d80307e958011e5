"""Amazon Athena: tables, read by SELECT."""

from typing import Annotated

from headrace.kits.sql.declare import tables_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl

DOCS = """Reads tables of Amazon Athena, and SELECTs under the SQL policy.

Reads only; results are kept in S3.

No server of it runs in the tests: what is proven is the declaration, the address and, with the driver, how a SELECT is
sent and its result is fetched. Install `headrace-connector-athena[driver]` where the workers are."""


class AthenaConfig(Config, kw_only=True):
    """How to reach it."""

    region: Annotated[str, Field("Region", pattern=r"^[a-z0-9-]+$", expected="a region such as eu-central-1")]
    database: Annotated[str, Field("Database")]
    results: Annotated[
        str,
        Field(
            "Results",
            "Place in S3 where Athena keeps them.",
            pattern=r"^s3://",
            expected="an address that begins with s3://",
        ),
    ]
    access_key: Annotated[str, Field("Access key")]
    secret_key: Annotated[Secret, Field("Secret key")]
    work_group: Annotated[str, Field("Work group")] = "primary"


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Amazon Athena", "Tables of Amazon Athena", AthenaConfig, proof="unproven", waits=True,
            docs=DOCS,
        )
    ]  # fmt: skip
