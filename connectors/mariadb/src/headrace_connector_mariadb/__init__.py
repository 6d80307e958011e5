"""MariaDB: tables of a database, read through a server-side cursor, written in one transaction."""

from typing import Annotated

from headrace.kits.sql.declare import BinlogConfig, Database, Port, ServerConfig, binlog_trigger, tables_manifest
from headrace.sdk import Capability, ConnectorManifest, EffectClass, Field, TriggerType, hookimpl

DOCS = """Appends and upserts are one transaction with a ledger row; an overwrite is swapped by one RENAME TABLE."""


class MariaDBConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 3306
    database: Database


class ChangesConfig(BinlogConfig, kw_only=True):
    """Which changes start the flow."""

    connection: Annotated[
        str, Field("Connection", "MariaDB with its log in rows; its user has the right REPLICATION SLAVE.",
                   widget="connection", connection_type="mariadb", order=0)
    ]  # fmt: skip


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "MariaDB", "Tables of a MariaDB database", MariaDBConfig, proof="real server",
            effect=EffectClass.IDEMPOTENT, more=frozenset({Capability.CHOICES}), docs=DOCS,
        )
    ]  # fmt: skip


@hookimpl
def headrace_triggers() -> list[TriggerType]:
    """Offer the trigger on changes."""
    return [binlog_trigger(__name__, "MariaDB", ChangesConfig)]
