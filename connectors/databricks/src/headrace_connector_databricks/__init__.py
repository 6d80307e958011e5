"""Databricks SQL: tables, read by SELECT."""

from typing import Annotated

from headrace.kits.sql.declare import tables_manifest
from headrace.sdk import Config, ConnectorManifest, Field, Secret, hookimpl

DOCS = """Reads tables of Databricks SQL, and SELECTs under the SQL policy.

Reads only for now.

No server of it runs in the tests: what is proven is the declaration, the address and, with the driver, the
statements. Install `headrace-connector-databricks[driver]` where the workers are."""


class DatabricksConfig(Config, kw_only=True):
    """How to reach it."""

    host: Annotated[str, Field("Host", "Of the workspace.")]
    http_path: Annotated[str, Field("HTTP path", "Of the SQL warehouse.")]
    token: Annotated[Secret, Field("Token", "Personal access token.")]
    catalog: Annotated[str, Field("Catalog")] = "main"
    schema: Annotated[str, Field("Schema")] = "default"


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Databricks SQL", "Tables of Databricks SQL", DatabricksConfig, proof="unproven", waits=True,
            docs=DOCS,
        )
    ]  # fmt: skip
