"""Copies of the shared database's accounts and plans in an organization's own: whole, in one transaction.

The truth stays in the shared database. The copies are for statements that join them, and for references; they are made
again after each change there, and by the scheduler every few seconds in case a process fell between the two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import psycopg
import structlog
from psycopg import sql

from headrace.infra.database import sqlalchemy_url
from headrace.infra.homes import url_at
from headrace.sdk.errors import ConfigError, HeadraceError

OF_ORGANIZATION = ("roles", "groups", "memberships", "group_members", "subscriptions", "feature_overrides")
OF_INSTALL = ("plans", "plan_features", "plan_limits", "features", "editions", "plugin_states", "paused_queues")
TABLES = ("organizations", "users", *OF_ORGANIZATION, *OF_INSTALL)
"""In the order of their references."""
_LEFT_OUT = {"users": {"password_hash"}, "memberships": {"provider_id"}}
_COLUMNS = """
SELECT a.attname, a.attname = ANY(SELECT k.attname FROM pg_index i JOIN pg_attribute k ON k.attrelid = i.indrelid
    AND k.attnum = ANY(i.indkey) WHERE i.indrelid = a.attrelid AND i.indisprimary)
FROM pg_attribute a WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""
_MINE = {
    "organizations": sql.SQL("id = {}"),
    "users": sql.SQL("id IN (SELECT user_id FROM memberships WHERE organization_id = {})"),
    **dict.fromkeys(OF_ORGANIZATION, sql.SQL("organization_id = {}")),
    **dict.fromkeys(OF_INSTALL, sql.SQL("{} IS NOT NULL")),
}
_READ = sql.SQL(
    "SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text FROM (SELECT {columns} FROM {table} WHERE {mine}) t"
)
_FORGET = sql.SQL("""
DELETE FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) n WHERE {same})
""")
_WRITE = sql.SQL("""
INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)
ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE ({old}) IS DISTINCT FROM ({new})
""")
_VOID = """
DELETE FROM grants g USING memberships m
WHERE m.organization_id = g.organization_id AND m.user_id = g.user_id AND g.created_at <= m.removed_at
"""
_ROLELESS = """
DELETE FROM grants g WHERE g.role_id IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM jsonb_populate_recordset(NULL::roles, %s::jsonb) r WHERE r.id = g.role_id)
"""
_log = structlog.get_logger("headrace.mirror")


def connect(url: str, organization_id: UUID, *, name: str = "headrace-mirror") -> psycopg.Connection:
    """A connection whose session is of an organization."""
    dsn = sqlalchemy_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(dsn, application_name=name, connect_timeout=10)
    connection.execute("SELECT set_config('app.organization_id', %s, false)", (str(organization_id),))
    connection.commit()
    return connection


def mirror(shared_url: str, own_url: str, organization_id: UUID) -> None:
    """Make the copies as the shared database is now.

    Raises:
        psycopg.Error: a database is away.
        ConfigError: the organization is not in the shared one; what cascades from its row must never go by mistake.
    """
    with connect(shared_url, organization_id) as source, connect(own_url, organization_id) as target:
        source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        held = {table: _read(source, table, organization_id) for table in TABLES}
        source.rollback()
        if held["organizations"][2] == "[]":
            raise ConfigError("the shared database does not show the organization; its copies stay as they are")
        target.execute("SELECT pg_advisory_xact_lock(hashtextextended('headrace mirror', 0))")
        target.execute(_ROLELESS, (held["roles"][2],))
        for table in reversed(TABLES[1:]):
            _, key, rows = held[table]
            same = sql.SQL(" AND ").join(sql.SQL("t.{0} = n.{0}").format(sql.Identifier(name)) for name in key)
            forget = _FORGET.format(table=sql.Identifier(table), same=same)
            target.execute(forget, (rows,))
        for table in TABLES:
            columns, key, rows = held[table]
            others = [name for name in columns if name not in key] or columns
            write = _WRITE.format(
                table=sql.Identifier(table), columns=_listed(columns), key=_listed(key),
                changes=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(c)) for c in others),
                old=sql.SQL(", ").join(sql.Identifier(table, name) for name in others),
                new=sql.SQL(", ").join(sql.Identifier("excluded", name) for name in others),
            )  # fmt: skip
            target.execute(write, (rows,))
        target.execute(_VOID)


def _read(source: psycopg.Connection, table: str, organization_id: UUID) -> tuple[list[str], list[str], str]:
    found = source.execute(_COLUMNS, (table,)).fetchall()
    columns = [name for name, _ in found if name not in _LEFT_OUT.get(table, ())]
    mine = _MINE[table].format(sql.Literal(organization_id))
    read = _READ.format(columns=_listed(columns), table=sql.Identifier(table), mine=mine)
    row = source.execute(read).fetchone()
    return columns, [name for name, is_key in found if is_key], row[0] if row else "[]"


def _listed(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


async def mirror_quietly(url: str, servers: Sequence[str], organization_id: UUID, place: str) -> None:
    """Make the copies; a database that is away gets them later, from the scheduler."""
    try:
        await asyncio.to_thread(mirror, url, url_at(url, place, servers), organization_id)
    except (psycopg.Error, HeadraceError) as error:
        _log.warning("copies of accounts wait", organization=str(organization_id), place=place, detail=str(error))
