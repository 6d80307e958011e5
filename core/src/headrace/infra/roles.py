"""Roles and databases of a PostgreSQL server, made once by its administrator; calling again changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

import psycopg
from psycopg import sql

from headrace.infra.rls import APP_ROLE, OWNER_ROLE, WORKER_ROLE
from headrace.infra.settings import Settings
from headrace.sdk.errors import ConfigError

DATABASE = "headrace"
WAREHOUSE = "warehouse"
DEMO_ROLE = "demo"


POWERS = """
SELECT current_user::text AS name, concat_ws(', ',
  CASE WHEN r.rolsuper THEN 'is a superuser' END, CASE WHEN r.rolbypassrls THEN 'has BYPASSRLS' END,
  CASE WHEN EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND pg_has_role(current_user, c.relowner, 'MEMBER')) THEN 'owns tables' END) AS powers
FROM pg_roles r WHERE r.rolname = current_user
"""
"""What lets the role of a connection go around row-level security; empty for a role that serves."""
_AWAY_S = 5
_DROPS, _DROP_MS = 6, 5_000

_MOVES = (
    sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER_ROLE)),
    sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(sql.Identifier(OWNER_ROLE)),
    sql.SQL("GRANT pg_signal_backend TO {}").format(sql.Identifier(OWNER_ROLE)),
)
"""What the owner needs to give an organization a database of its own, and to drop it; none of it opens a row."""
_ROLE = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION PASSWORD {}")
_DATABASE = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
_DROP = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
_CLOSE = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC")
_CONNECT = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}, {}")


def ensure_roles(connection: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """Make each role able to sign in and nothing more: neither superuser nor owner, and no way around row security."""
    have = {row[0] for row in connection.execute("select rolname from pg_roles")}
    for role, password in passwords.items():
        verb = sql.SQL("ALTER" if role in have else "CREATE")
        statement = _ROLE.format(verb, sql.Identifier(role), sql.Literal(password))
        connection.execute(statement)


def ensure_database(connection: psycopg.Connection, name: str, owner: str, *, template: str = "template1") -> None:
    """Make a database of `owner` that nobody else may enter unless granted. The connection must be in autocommit."""
    if connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone() is None:
        make = _DATABASE.format(sql.Identifier(name), sql.Identifier(owner), sql.Identifier(template))
        close = _CLOSE.format(sql.Identifier(name))
        connection.execute(make)
        connection.execute(close)


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Drop a database and whoever is in it, if it is there. The connection must be in autocommit.

    PostgreSQL 15 to 18 may wait for good for a process that was just starting, and so missed the signal to let go of
    files; asked again it sends another one. A drop that was given up can be done again.

    Raises:
        psycopg.errors.QueryCanceled: it has not gone after half a minute.
    """
    drop = _DROP.format(sql.Identifier(name))
    connection.execute("SELECT set_config('statement_timeout', %s, false)", (str(_DROP_MS),))
    for left in reversed(range(_DROPS)):
        try:
            connection.execute(drop)
            break
        except psycopg.errors.QueryCanceled:
            if not left:
                raise
    connection.execute("RESET statement_timeout")


def grant_connect(connection: psycopg.Connection, database: str) -> None:
    """Let the application and the worker enter."""
    statement = _CONNECT.format(sql.Identifier(database), sql.Identifier(APP_ROLE), sql.Identifier(WORKER_ROLE))
    connection.execute(statement)


def prepare_server(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Roles, the database `headrace`, and the database `warehouse` of the role `demo`."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        ensure_roles(connection, passwords)
        for statement in _MOVES:
            connection.execute(statement)
        ensure_database(connection, DATABASE, OWNER_ROLE)
        ensure_database(connection, WAREHOUSE, DEMO_ROLE)
        grant_connect(connection, DATABASE)


def refuse_powerful(settings: Settings) -> None:
    """Go on only with database roles that row-level security holds; a database that is away is asked later, by health.

    Raises:
        ConfigError: a role could see every organization's rows, or take the policies away.
    """
    urls = [(name, getattr(settings, name).reveal()) for name in ("database_url", "database_worker_url")]
    urls += [("database_replica_urls", one.reveal()) for one in settings.database_replica_urls]
    for name, url in urls:
        try:
            with psycopg.connect(url, connect_timeout=_AWAY_S) if url else nullcontext() as connection:
                row = connection.execute(POWERS).fetchone() if connection else None
        except psycopg.OperationalError:
            continue
        if row is not None and row[1]:
            raise ConfigError(powerful(f"HEADRACE_{name.upper()}", *row))


def powerful(where: str, role: str, powers: str) -> str:
    """The sentence about such a role."""
    return (
        f"{where} signs in as '{role}', which {powers}: row-level security would not hold it; use {APP_ROLE}, "
        f"or {WORKER_ROLE} for worker and scheduler"
    )
