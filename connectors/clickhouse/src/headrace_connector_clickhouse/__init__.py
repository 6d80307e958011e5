"""ClickHouse: tables, read by SELECT."""

from typing import Annotated

from headrace.kits.sql.declare import Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, Field, hookimpl

DOCS = """Reads tables of ClickHouse, and SELECTs under the SQL policy.

Reads only: it has no transaction in which a write could be all or nothing.

Its keys are not unique, so a read that is broken off starts anew.

Reads are tested against its engine (chdb), not against a server. Install `headrace-connector-clickhouse[driver]` where
the workers are."""


class ClickhouseConfig(ServerConfig, kw_only=True):
    """How to reach it."""

    port: Port = 8443
    secure: Annotated[bool, Field("HTTPS")] = True


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "ClickHouse", "Tables of ClickHouse", ClickhouseConfig, proof="engine", waits=True, docs=DOCS,
        )
    ]  # fmt: skip
