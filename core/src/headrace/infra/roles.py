"""Roles and databases of a PostgreSQL server, made once by its administrator; calling again changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from headrace.infra.rls import APP_ROLE, OWNER_ROLE, WORKER_ROLE

DATABASE = "headrace"
WAREHOUSE = "warehouse"
DEMO_ROLE = "demo"


_ROLE = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION PASSWORD {}")
_DATABASE = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
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


def grant_connect(connection: psycopg.Connection, database: str) -> None:
    """Let the application and the worker enter."""
    statement = _CONNECT.format(sql.Identifier(database), sql.Identifier(APP_ROLE), sql.Identifier(WORKER_ROLE))
    connection.execute(statement)


def prepare_server(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Roles, the database `headrace`, and the database `warehouse` of the role `demo`."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        ensure_roles(connection, passwords)
        ensure_database(connection, DATABASE, OWNER_ROLE)
        ensure_database(connection, WAREHOUSE, DEMO_ROLE)
        grant_connect(connection, DATABASE)
