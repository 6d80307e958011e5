"""Trino: tables, read by SELECT."""

from typing import Annotated

from headrace.kits.sql.declare import READS, Port, ServerConfig
from headrace.sdk import ConnectorManifest, Field, hookimpl, lazy

DOCS = """Reads tables of Trino, and SELECTs under the SQL policy.

Reads only; the database is the catalog. Stands for Presto and Starburst as well.

No server of it runs in the tests: what is proven is the declaration, the address and, with the driver, the
statements. Install `headrace-connector-trino[driver]` where the workers are."""


class TrinoConfig(ServerConfig, kw_only=True):
    """How to reach it."""

    port: Port = 443
    schema: Annotated[str, Field("Schema", "Of the catalog; empty looks at all of them.")] = ""


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="trino",
            title="Trino",
            category="database",
            summary="Tables of Trino",
            config=TrinoConfig,
            factory=lazy("headrace_connector_trino.connector:TrinoConnector"),
            capabilities=READS,
            waits=True,
            icon="lucide:database",
            docs=DOCS,
            proof="unproven",
        )
    ]
