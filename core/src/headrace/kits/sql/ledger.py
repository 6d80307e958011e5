"""The effect ledger: one row for each write, in the target and in the write's own transaction (durability.md 4.4)."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import structs

from headrace.kits.sql.ddl import add_column
from headrace.sdk.connectors import WriteResult

LEDGER = "_headrace_effects"
_COUNTS = tuple(field.name for field in structs.fields(WriteResult))


class Ledger:
    """The ledger beside a target: `_headrace_effects(effect_key primary key, counts, at)`.

    Args:
        connection: Of the write's transaction.
        schema: Of the target.
        makes: Where tables are made, if that is not part of the transaction.
    """

    def __init__(self, connection: sa.Connection, schema: str | None, makes: sa.Connection | None = None) -> None:
        self._db, self._makes = connection, makes or connection
        counts = [sa.Column(name, sa.BigInteger) for name in _COUNTS]
        at = sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now())
        self._table = sa.Table(
            LEDGER, sa.MetaData(), sa.Column("effect_key", sa.String(300), primary_key=True), *counts, at, schema=schema
        )

    def done(self, effect_key: str) -> WriteResult | None:
        """What an earlier write with this key did; the table is made or brought up to date on the way."""
        if not effect_key:
            return None
        inspector = sa.inspect(self._makes)
        if inspector.has_table(LEDGER, schema=self._table.schema):
            there = {column["name"] for column in inspector.get_columns(LEDGER, schema=self._table.schema)}
            for name in _COUNTS:
                if name not in there:
                    add_column(self._makes, self._table, sa.Column(name, sa.BigInteger))
        else:
            self._table.create(self._makes)
        query = sa.select(*(self._table.c[name] for name in _COUNTS)).where(self._table.c.effect_key == effect_key)
        row = self._db.execute(query).first()
        return WriteResult(*(count or 0 for count in row)) if row else None

    def remember(self, effect_key: str, result: WriteResult) -> None:
        """Note what was done."""
        if effect_key:
            self._db.execute(self._table.insert().values(effect_key=effect_key, **structs.asdict(result)))
