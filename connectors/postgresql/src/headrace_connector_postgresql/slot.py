"""Publication and slot of a trigger: made, looked at, removed. Ours bear the trigger's name; others are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from headrace.sdk import AuthError, ConfigError, HeadraceError, TransientError
from msgspec import Struct
from psycopg import errors, sql
from psycopg.rows import dict_row

from headrace_connector_postgresql.changes_config import ChangesConfig
from headrace_connector_postgresql.connector import PostgresqlConnector, told

_LOOK = """
SELECT s.slot_name IS NOT NULL AS there, s.plugin, s.confirmed_flush_lsn::text AS confirmed, s.wal_status,
  pg_wal_lsn_diff(at.lsn, s.confirmed_flush_lsn)::bigint AS behind_bytes,
  pg_wal_lsn_diff(at.lsn, s.restart_lsn)::bigint AS kept_bytes,
  y.system_identifier::text || ':' || k.timeline_id AS system
FROM pg_control_system() y CROSS JOIN pg_control_checkpoint() k
CROSS JOIN (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) AS at(lsn)
LEFT JOIN pg_replication_slots s ON s.slot_name = %(slot)s
"""
_WAL_LEVEL = "SELECT current_setting('wal_level') AS level, current_user AS name"
_MAKE_SLOT = "SELECT pg_create_logical_replication_slot(%(slot)s, 'pgoutput')"
_DROP_SLOT = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %(slot)s"
_PUBLICATION = """
SELECT p.puballtables AS whole, ARRAY(SELECT t.schemaname || '.' || t.tablename FROM pg_publication_tables t
    WHERE t.pubname = p.pubname ORDER BY 1) AS tables,
  array_remove(ARRAY[CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END,
    CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END], NULL) AS operations
FROM pg_publication p WHERE p.pubname = %(publication)s
"""
_TABLES = """
SELECT n.nspname || '.' || c.relname AS name, c.relreplident IN ('f', 'i') OR c.relreplident = 'd' AND EXISTS (
    SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AS named
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\\_%%'
  AND n.nspname <> 'information_schema'
  AND (cardinality(%(tables)s::text[]) = 0 OR n.nspname || '.' || c.relname = ANY(%(tables)s::text[]))
ORDER BY 1
"""
_MAKE = sql.SQL("CREATE PUBLICATION {} FOR {} WITH (publish = {}, publish_via_partition_root = true)")
_DROP = sql.SQL("DROP PUBLICATION IF EXISTS {}")


class Look(Struct, frozen=True):
    """How a slot stands: its server and timeline, and how much log lies behind it."""

    there: bool
    plugin: str | None
    confirmed: str | None
    wal_status: str | None
    behind_bytes: int | None
    kept_bytes: int | None
    system: str


class Slot:
    """The publication and the slot of one trigger, in the database of a connection."""

    def __init__(self, connector: PostgresqlConnector, config: ChangesConfig, trigger_id: str) -> None:
        own = f"headrace_{trigger_id.replace('-', '')}"
        self._connector, self._config = connector, config
        self.where = connector.where
        self.name, self.publication = config.slot or own, config.publication or own
        self.ours, self.publication_ours = not config.slot, not config.publication

    def look(self) -> Look:
        """How the slot stands now."""
        with self._link() as link:
            return Look(**link.execute(_LOOK, {"slot": self.name}).fetchone() or {})

    def prepare(self, *, first: bool) -> Look:
        """Make what is missing of ours, and check the rest. `first`: nothing was read so far, so the slot may be made.

        Raises:
            ConfigError: wal_level, a table, the publication or the slot is not as it has to be.
            AuthError: the user has not the right.
        """
        with self._link() as link:
            setting = link.execute(_WAL_LEVEL).fetchone() or {}
            if setting["level"] != "logical":
                raise ConfigError(
                    f"{self.where} has wal_level = {setting['level']}, which tells no changes; set wal_level = logical "
                    "in its configuration and restart it",
                    field="connection",
                )
            self._publish(link)
            found = Look(**link.execute(_LOOK, {"slot": self.name}).fetchone() or {})
            if not found.there and self.ours and first:
                self._make(link, setting["name"])
                found = Look(**link.execute(_LOOK, {"slot": self.name}).fetchone() or {})
        if not found.there or found.plugin != "pgoutput":
            raise ConfigError(self._unusable(found), field="slot")
        return found

    def _unusable(self, found: Look) -> str:
        if found.there:
            return f"the slot '{self.name}' of {self.where} is of {found.plugin}; name one of pgoutput, or none"
        if self.ours:
            return (
                f"the slot '{self.name}' is gone from {self.where}, and what changed since with it; delete this "
                "trigger and make it again to begin from now on"
            )
        return f"there is no slot '{self.name}' in {self.where}; create it, or leave the field empty to have one made"

    def _make(self, link: psycopg.Connection[Any], user: str) -> None:
        try:
            link.execute(_MAKE_SLOT, {"slot": self.name})
        except errors.InsufficientPrivilege:
            raise AuthError(
                f"the user '{user}' of {self.where} may not replicate; an administrator does ALTER ROLE {user} "
                "REPLICATION"
            ) from None
        except errors.ConfigurationLimitExceeded:
            raise ConfigError(
                f"all replication slots of {self.where} are taken; raise max_replication_slots, or drop one"
            ) from None

    def _publish(self, link: psycopg.Connection[Any]) -> None:
        """Check the publication, or make ours be as the config says."""
        there = link.execute(_PUBLICATION, {"publication": self.publication}).fetchone()
        if not self.publication_ours:
            if there is None:
                raise ConfigError(
                    f"there is no publication '{self.publication}' in {self.where}; create it, or leave the field "
                    "empty to have one made",
                    field="publication",
                )
            return
        tables, operations = self._tables(link), sorted(self._config.operations)
        wanted = (not tables, tables or None, operations)
        now = there and (there["whole"], there["tables"] if tables else None, sorted(there["operations"]))
        if now == wanted:
            return
        names = sql.SQL(", ").join(sql.Identifier(*name.split(".", 1)) for name in tables)
        what = sql.SQL("TABLE ") + names if tables else sql.SQL("ALL TABLES")
        make = _MAKE.format(sql.Identifier(self.publication), what, ", ".join(operations))
        try:
            with link.transaction():
                self._unpublish(link)
                link.execute(make)
        except errors.InsufficientPrivilege:
            raise AuthError(
                f"the user of {self.where} may not publish these tables: it has to own them, or be a superuser for all "
                "tables; use another user, or name a publication that exists"
            ) from None

    def _tables(self, link: psycopg.Connection[Any]) -> list[str]:
        """The tables of the config, each with a name for its rows where these are to be told apart.

        Raises:
            ConfigError: one is missing, or PostgreSQL would refuse its updates once they are published.
        """
        wanted = sorted({name if "." in name else f"public.{name}" for name in self._config.tables})
        found = {row["name"]: row["named"] for row in link.execute(_TABLES, {"tables": wanted})}
        missing = [name for name in wanted if name not in found]
        if missing:
            raise ConfigError(f"there is no table '{missing[0]}' in {self.where}; correct its name", field="tables")
        nameless = [name for name, named in found.items() if not named]
        if nameless and {"update", "delete"} & set(self._config.operations):
            raise ConfigError(
                f"'{nameless[0]}' has no primary key: PostgreSQL would refuse its updates once they are published; "
                "give it a primary key or REPLICA IDENTITY FULL, or choose inserts only",
                field="tables",
            )
        return wanted

    def remove(self) -> None:
        """Drop what is ours.

        Raises:
            TransientError: it is still being read.
        """
        with self._link() as link:
            try:
                if self.ours:
                    link.execute(_DROP_SLOT, {"slot": self.name})
            except errors.ObjectInUse:
                raise TransientError(f"the slot '{self.name}' of {self.where} is still being read") from None
            if self.publication_ours:
                self._unpublish(link)

    def _unpublish(self, link: psycopg.Connection[Any]) -> None:
        drop = _DROP.format(sql.Identifier(self.publication))
        link.execute(drop)

    @contextmanager
    def _link(self) -> Iterator[psycopg.Connection[Any]]:
        with self._connector.link(row_factory=dict_row) as link:
            try:
                yield link
            except HeadraceError:
                raise
            except psycopg.Error as error:
                raise told(error, self.where) from error
