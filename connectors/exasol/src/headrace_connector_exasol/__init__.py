"""Exasol: reads and writes tables of Exasol."""

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, hookimpl

DOCS = """Reads and writes tables of Exasol.

No server of it runs in the tests: what is proven is how statements, types and addresses are made. Install
`headrace-connector-exasol[driver]` where the workers are."""


class ExasolConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 8563


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "Exasol", "Tables of Exasol", ExasolConfig, proof="unproven",
            effect=EffectClass.TRANSACTIONAL, docs=DOCS,
        )
    ]  # fmt: skip
