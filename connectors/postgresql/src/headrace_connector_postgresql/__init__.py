"""PostgreSQL: tables read through a server-side cursor, written by COPY in one transaction."""

from headrace.kits.sql.declare import Database, PostgresConfig, tables_manifest
from headrace.sdk import Capability, ConnectorManifest, EffectClass, TriggerType, hookimpl, lazy

from headrace_connector_postgresql.changes_config import ChangesConfig

DOCS = """Reads tables and views, and SELECTs under the SQL policy. Writes by COPY: append, overwrite (staged, then
swapped) and upsert by key, each in one transaction together with a ledger row: a repeated execution changes nothing.

Give it a role of its own with no more rights than it needs."""

CHANGES = """Needs wal_level = logical and a user with the right REPLICATION. Changes come in the order in which they
were committed, in batches; each is given to exactly one execution. `before` has the whole row only with REPLICA
IDENTITY FULL, else the primary key where that is known.

The rows that are there already come first, each once as `read`, while others write: what changed since the moment that
they show follows without a gap. A reader that dies goes on behind the last key where a primary key is of whole numbers
or UUIDs; another table is read again from its start.

The server keeps its log until the changes are stored here, also while the flow is switched off: look at `kept_bytes` of
the trigger, and bound it on the server with max_slot_wal_keep_size. Slot and publication are removed with the
trigger."""


class PostgresqlConfig(PostgresConfig, kw_only=True):
    """How to reach the database."""

    database: Database


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        tables_manifest(
            __name__, "PostgreSQL", "Tables of a PostgreSQL database", PostgresqlConfig, proof="real server",
            effect=EffectClass.TRANSACTIONAL, more=frozenset({Capability.CHOICES}), docs=DOCS,
        )
    ]  # fmt: skip


@hookimpl
def headrace_triggers() -> list[TriggerType]:
    """Offer the trigger on changes."""
    return [
        TriggerType(
            id="cdc", title="Changed rows (PostgreSQL)", mode="source", kind="cdc", config=ChangesConfig,
            icon="lucide:database-zap", factory=lazy("headrace_connector_postgresql.changes:Changes"),
            tags=("cdc", "replication", "watch"),
            summary="Starts with each insert, update and delete of tables, through logical replication.",
            docs=CHANGES,
        )
    ]  # fmt: skip
