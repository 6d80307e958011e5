"""MySQL: tables of a database, read through a server-side cursor, written in one transaction."""

from typing import Annotated

from headrace.kits.sql.declare import BinlogConfig, Port, ServerConfig, binlog_trigger, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, Field, TriggerType, hookimpl

DOCS = """Appends and upserts are one transaction with a ledger row; an overwrite is swapped by one RENAME TABLE."""


class MySQLConfig(ServerConfig, kw_only=True):
    """How to reach the database."""

    port: Port = 3306


class ChangesConfig(BinlogConfig, kw_only=True):
    """Which changes start the flow."""

    connection: Annotated[
        str, Field("Connection", "MySQL with its log in rows; its user has the right REPLICATION SLAVE.",
                   widget="connection", connection_type="mysql", order=0)
    ]  # fmt: skip


MOMENT = "For that moment MySQL is held still, so the user needs the right RELOAD too."


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "MySQL", "Tables of a MySQL database", MySQLConfig, proof="wire-compatible",
            effect=EffectClass.IDEMPOTENT, docs=DOCS,
        )
    ]  # fmt: skip


@hookimpl
def headrace_triggers() -> list[TriggerType]:
    """Offer the trigger on changes."""
    return [binlog_trigger(__name__, "MySQL", ChangesConfig, moment=MOMENT)]
