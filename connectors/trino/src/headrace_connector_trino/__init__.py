"""Trino: tables, read by SELECT."""

from typing import Annotated

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, Field, hookimpl

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
        tables_manifest(
            __name__, "Trino", "Tables of Trino", TrinoConfig, proof="unproven", waits=True, docs=DOCS,
        )
    ]  # fmt: skip
