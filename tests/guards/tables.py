"""Row-level security, taken away table by table; what notices is a look at the rows of the other organization."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from headrace.infra.settings import Settings
from msgspec import Struct
from psycopg import sql

from tests.guards.stage import Stage
from tests.tenancy.matrix import admin_url, digests

WAYS = {
    "row-level security is off": (
        "ALTER TABLE {} DISABLE ROW LEVEL SECURITY", "ALTER TABLE {} ENABLE ROW LEVEL SECURITY",
    ),
    "a policy lets all in": ("CREATE POLICY opened ON {} USING (true)", "DROP POLICY opened ON {}"),
    "the owner is not held": (
        "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", "ALTER TABLE {} FORCE ROW LEVEL SECURITY",
    ),
}  # fmt: skip
"""How, and how it is put back."""
TELLTALE = """
SELECT c.relrowsecurity AND c.relforcerowsecurity
  AND NOT EXISTS (SELECT 1 FROM pg_policies p
    WHERE p.tablename = c.relname AND p.qual = 'true' AND p.roles = '{public}')
FROM pg_class c WHERE c.oid = %s::regclass
"""
"""What the catalogue test T-RLS-1 asks, for tables in which the other organization has no rows."""


class Eyes(Struct):
    """Connections that look as my organization: of the application, and of the owner of the tables."""

    app: psycopg.Connection
    owner: psycopg.Connection
    admin: psycopg.Connection
    stage: Stage
    rows: dict[str, tuple[str, bool]]

    def wrong(self, table: str) -> bool:
        """Whether I see rows of the other organization, or the catalogue says that I would."""
        column, filled = self.rows[table]
        if not filled:
            return self.admin.execute(TELLTALE, [table]).fetchone() == (False,)
        return any(self._seen(eye, table, column) for eye in (self.app, self.owner))

    def _seen(self, eye: psycopg.Connection, table: str, column: str) -> int:
        query = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(sql.Identifier(table), sql.Identifier(column))
        with eye.transaction():
            eye.execute("SELECT set_config('app.organization_id', %s, true)", [str(self.stage.mine.organization_id)])
            return int(eye.execute(query, [self.stage.theirs.organization_id]).fetchone()[0])


@contextmanager
def eyes(stage: Stage, settings: Settings) -> Iterator[Eyes]:
    """All of them, and the tables of organizations with whether the other one has rows there."""
    admin = admin_url(settings)
    found = digests(admin, stage.theirs.organization_id)
    rows = {
        table: ("id" if table == "organizations" else "organization_id", not digest.startswith("0 "))
        for table, digest in found.items()
    }
    urls = (settings.database_url.reveal(), settings.database_owner_url.reveal(), admin)
    app, owner, all_seeing = [psycopg.connect(url, autocommit=True) for url in urls]
    with app, owner, all_seeing:
        yield Eyes(app, owner, all_seeing, stage, rows)


@contextmanager
def without(admin: psycopg.Connection, table: str, way: str) -> Iterator[None]:
    """The table with its guard taken away."""
    take, put_back = (sql.SQL(text).format(sql.Identifier(table)) for text in WAYS[way])
    admin.execute(take)
    try:
        yield
    finally:
        admin.execute(put_back)
