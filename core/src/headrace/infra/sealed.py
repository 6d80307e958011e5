"""Which columns hold encrypted blobs: the database itself says so, in their comments, for rotation and for tests.

A migration that makes such a column marks it (`rls.mark_sealed`), in core and in plugins alike; there is no other list.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.infra.crypto import Cipher
from headrace.infra.rls import SEALED, SEALED_PERSONAL

_FIND = sa.text("""
SELECT c.relname::text AS table_name, a.attname::text AS column_name, d.description = :personal AS personal
FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
WHERE d.classoid = 'pg_class'::regclass AND c.relnamespace = 'public'::regnamespace
  AND d.description IN (:mark, :personal) ORDER BY 1, 2
""")


class SealedColumn(Struct, frozen=True):
    """A column of blobs, encrypted for its own name as the field.

    Attributes:
        personal: Its rows belong to a user, by `user_id`, under the master keys; else to an organization, by `id`.
    """

    table: str
    column: str
    personal: bool = False

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.table}.{self.column}"

    def left(self, owner: UUID, current: str, after: UUID, limit: int) -> sa.Select[Any]:
        """`key` and `blob` of rows that another key than `current` has encrypted, locked, in their order."""
        table, mine, key, blob = self._parts(owner)
        query = sa.select(key.label("key"), blob.label("blob")).select_from(table)
        query = query.where(mine, key > after, sa.func.split_part(blob, ".", 2) != current)
        return query.order_by(key).limit(limit).with_for_update()

    def store(self, owner: UUID, row_key: UUID, blob: str) -> sa.Update:
        """Put another blob into a row."""
        table, mine, key, _ = self._parts(owner)
        return sa.update(table).where(mine, key == row_key).values({self.column: blob})

    def by_key(self, owner: UUID) -> sa.Select[Any]:
        """How many rows each key has encrypted."""
        table, mine, _, blob = self._parts(owner)
        kid = sa.func.split_part(blob, ".", 2)
        return sa.select(kid, sa.func.count()).select_from(table).where(mine, blob.is_not(None)).group_by(kid)

    def moved(self, cipher: Cipher, row_key: UUID, blob: str) -> str:
        """The same content under the cipher's current key.

        Raises:
            Undecryptable: it does not open.
        """
        return cipher.rotate(blob, table=self.table, row_id=row_key, field=self.column)

    def _parts(self, owner: UUID) -> tuple[sa.TableClause, Any, Any, Any]:
        """Table, condition of the owner, key and blob."""
        names = ("user_id", "user_id") if self.personal else ("organization_id", "id")
        columns = [sa.column(name, sa.Uuid) for name in dict.fromkeys(names)]
        table = sa.table(self.table, *columns, sa.column(self.column, sa.Text))
        return table, table.c[names[0]] == owner, table.c[names[1]], table.c[self.column]


async def sealed_columns(session: AsyncSession) -> list[SealedColumn]:
    """All of them."""
    rows = await session.execute(_FIND, {"mark": SEALED, "personal": SEALED_PERSONAL})
    return [SealedColumn(row.table_name, row.column_name, row.personal) for row in rows]
