"""ClickHouse: tables, read by SELECT."""

from typing import Annotated

from headrace.kits.sql.declare import READS, Port, ServerConfig
from headrace.sdk import ConnectorManifest, Field, hookimpl, lazy

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
        ConnectorManifest(
            id="clickhouse",
            title="ClickHouse",
            category="database",
            summary="Tables of ClickHouse",
            config=ClickhouseConfig,
            factory=lazy("headrace_connector_clickhouse.connector:ClickhouseConnector"),
            capabilities=READS,
            waits=True,
            icon="lucide:database",
            docs=DOCS,
            proof="engine",
        )
    ]
