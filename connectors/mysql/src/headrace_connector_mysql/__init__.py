"""MySQL: tables of a database, read through a server-side cursor, written in one transaction."""

from typing import Annotated

from headrace.kits.sql.declare import BinlogConfig, Port, ServerConfig, tables_manifest
from headrace.sdk import ConnectorManifest, EffectClass, Field, TriggerType, hookimpl, lazy

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


CHANGES = """Needs log_bin = ON, binlog_format = ROW, binlog_row_image = FULL and binlog_row_metadata = FULL, and a user
with the rights REPLICATION SLAVE and REPLICATION CLIENT. Changes come in the order in which they were committed, each
to exactly one execution, with the whole row before and after.

The rows that are there already come first, each once as `read`, while others write: what changed since the moment that
they show follows without a gap, also when a reader dies in between. For that moment MySQL is held still, so the
user needs the right RELOAD too.

The server removes its log by age, also what was not read: let it keep the log for longer than a flow may be off."""


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
    return [
        TriggerType(
            id="cdc_mysql", title="Changed rows (MySQL)", mode="source", kind="cdc", config=ChangesConfig,
            icon="lucide:database-zap", factory=lazy("headrace.kits.sql.binlog:BinlogChanges"),
            tags=("cdc", "replication", "watch"),
            summary="Starts with each insert, update and delete of tables, from the binlog.",
            docs=CHANGES,
        )
    ]  # fmt: skip
