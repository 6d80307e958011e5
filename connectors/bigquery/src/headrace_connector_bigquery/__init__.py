"""Google BigQuery: tables, read by SELECT."""

from typing import Annotated

from headrace.kits.sql.declare import tables_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl

DOCS = """Reads tables of Google BigQuery, and SELECTs under the SQL policy.

Reads only for now.

No server of it runs in the tests: what is proven is the declaration, the address and, with the driver, the
statements. Install `headrace-connector-bigquery[driver]` where the workers are."""


class BigqueryConfig(Config, kw_only=True):
    """How to reach it."""

    project: Annotated[str, Field("Project")]
    dataset: Annotated[str, Field("Dataset")]
    service_account: Annotated[Secret, Field("Service account", "Its key file, as base64.")]


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Google BigQuery", "Tables of Google BigQuery", BigqueryConfig, proof="unproven", waits=True,
            docs=DOCS,
        )
    ]  # fmt: skip
