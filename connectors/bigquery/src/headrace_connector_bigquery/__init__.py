"""Google BigQuery: tables, read by SELECT."""

from typing import Annotated

from headrace.kits.sql.declare import READS
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl, lazy

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
        ConnectorManifest(
            id="bigquery",
            title="Google BigQuery",
            category="database",
            summary="Tables of Google BigQuery",
            config=BigqueryConfig,
            factory=lazy("headrace_connector_bigquery.connector:BigqueryConnector"),
            capabilities=READS,
            waits=True,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
