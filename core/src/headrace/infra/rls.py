"""Row-level security for migrations: enable, force, and the policies; nothing else may grant access.

Every branch calls `enable_rls` for each table with an `organization_id`; the catalogue test T-RLS-1 finds the rest.
"""

from __future__ import annotations

import re
from typing import Protocol

APP_ROLE = "headrace_app"
WORKER_ROLE = "headrace_worker"
OWNER_ROLE = "headrace_owner"

SEALED, SEALED_PERSONAL = "sealed", "sealed personal"
CURRENT_ORGANIZATION = "nullif(current_setting('app.organization_id', true), '')::uuid"
CURRENT_USER = "nullif(current_setting('app.user_id', true), '')::uuid"


class Operations(Protocol):
    """What is needed of `alembic.op`."""

    def execute(self, sqltext: str) -> None:
        """Run one statement."""


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", text):
        raise ValueError(f"{text!r} is not a plain SQL name")
    return text


def enable_rls(op: Operations, table: str, *, column: str = "organization_id", own_user: str = "") -> None:
    """Enable and force row-level security: rows of the current organization only; unset shows none.

    Args:
        op: `alembic.op`.
        table: The table.
        column: Its tenant column; `id` for `organizations` itself.
        own_user: A column with a user id whose rows that user may also read (memberships at sign-in).
    """
    table, column = _name(table), _name(column)
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    tenant = f"{column} = {CURRENT_ORGANIZATION}"
    op.execute(f"CREATE POLICY tenant ON {table} USING ({tenant}) WITH CHECK ({tenant})")
    if own_user:
        op.execute(f"CREATE POLICY own ON {table} FOR SELECT USING ({_name(own_user)} = {CURRENT_USER})")


def enable_user_rls(op: Operations, table: str, *, column: str = "user_id") -> None:
    """Enable and force row-level security: rows of the current user only, whatever the organization."""
    table = _name(table)
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    own = f"{_name(column)} = {CURRENT_USER}"
    op.execute(f"CREATE POLICY own ON {table} USING ({own}) WITH CHECK ({own})")


def worker_policy(op: Operations, table: str) -> None:
    """Let the worker role see every organization's rows of `table`. For execution tables and the outbox only."""
    op.execute(f"CREATE POLICY worker ON {_name(table)} TO {WORKER_ROLE} USING (true) WITH CHECK (true)")


def grant(op: Operations, table: str, rights: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Grant rights to both roles; default privileges do this already for tables the owner makes."""
    if not re.fullmatch(r"[A-Z, ]+", rights):
        raise ValueError(f"{rights!r} are no rights")
    op.execute(f"GRANT {rights} ON {_name(table)} TO {APP_ROLE}, {WORKER_ROLE}")


def revoke_changes(op: Operations, table: str) -> None:
    """Make `table` append-only for both roles."""
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {_name(table)} FROM {APP_ROLE}, {WORKER_ROLE}")


def mark_sealed(op: Operations, table: str, column: str, *, personal: bool = False, off: bool = False) -> None:
    """Say that a column holds encrypted blobs, so that rotation finds them; `personal`: of a user, not of a tenant."""
    text = "NULL" if off else f"'{SEALED_PERSONAL if personal else SEALED}'"
    op.execute(f"COMMENT ON COLUMN {_name(table)}.{_name(column)} IS {text}")
