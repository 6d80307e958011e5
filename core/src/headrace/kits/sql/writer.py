"""Writing a stream in one transaction: stage, check, apply, and the effect ledger beside the data.

Ledger: `_headrace_effects(effect_key primary key, ...)` in the target; a repeat with the same key finds its row and
changes nothing (durability.md 4.4, class A).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from headrace.kits.sql.types import sql_type
from headrace.sdk.connectors import WriteMode, WriteResult
from headrace.sdk.errors import ConfigError, DataError
from headrace.sdk.types import Column

if TYPE_CHECKING:
    import polars as pl

Load = Callable[[sa.Connection, sa.Table, "pl.DataFrame"], None]
LEDGER = "_headrace_effects"


class Writer:
    """One write of one stream over an open transaction.

    Args:
        connection: In a transaction that the caller ends.
        schema: Schema of the target, or None.
        table: Name of the target.
        load: Puts a frame into a table, as fast as the driver can.
        swap: Puts the staged table in the target's place; by default drop and rename.
    """

    def __init__(
        self, connection: sa.Connection, schema: str | None, table: str, load: Load,
        swap: Callable[[sa.Connection, sa.Table, sa.Table], None] | None = None,
    ) -> None:  # fmt: skip
        self._db = connection
        self._schema = schema
        self._name = table
        self._load = load
        self._swap = swap or _rename
        self._meta = sa.MetaData()

    def write(
        self, frames: Iterator[pl.DataFrame], mode: WriteMode, keys: Sequence[str], effect_key: str
    ) -> WriteResult:  # fmt: skip
        """Write all frames; a repeat of an effect takes none. Raising leaves nothing once the caller rolls back."""
        from headrace.sdk.frames import from_polars

        done = self._done(effect_key)
        first = next(frames, None) if done is None else None
        if first is None:
            return done or WriteResult(0)
        columns, frames = from_polars(first.schema), chain([first], frames)
        missing = [key for key in keys if key not in {column.name for column in columns}]
        if missing or (mode == "upsert" and not keys):
            what = f"the key column '{missing[0]}' is not in the rows" if missing else "an upsert needs key columns"
            raise ConfigError(f"{what}; choose columns that identify a row", field="keys")
        if mode == "overwrite":
            result = self._overwrite(columns, frames)
        elif mode == "upsert":
            result = self._upsert(columns, frames, keys)
        else:
            result = WriteResult(self._fill(self._target(columns, ()), frames))
        self._remember(effect_key, result)
        return result

    def _ledger(self) -> sa.Table:
        return sa.Table(
            LEDGER,
            sa.MetaData(),
            sa.Column("effect_key", sa.String(300), primary_key=True),
            sa.Column("written", sa.BigInteger),
            sa.Column("updated", sa.BigInteger),
            sa.Column("rejected", sa.BigInteger),
            sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now()),
            schema=self._schema,
        )

    def _done(self, effect_key: str) -> WriteResult | None:
        if not effect_key:
            return None
        ledger = self._ledger()
        ledger.create(self._db, checkfirst=True)
        row = self._db.execute(sa.select(ledger).where(ledger.c.effect_key == effect_key)).first()
        return WriteResult(row.written, row.updated, row.rejected) if row else None

    def _remember(self, effect_key: str, result: WriteResult) -> None:
        if effect_key:
            values = {
                "effect_key": effect_key,
                "written": result.written,
                "updated": result.updated,
                "rejected": result.rejected,
            }
            self._db.execute(self._ledger().insert().values(**values))

    def _target(self, columns: Sequence[Column], keys: Sequence[str]) -> sa.Table:
        """The table, created when missing.

        Raises:
            ConfigError: it lacks a column of the rows.
        """
        inspector = sa.inspect(self._db)
        if not inspector.has_table(self._name, schema=self._schema):
            return self._create(self._name, columns, keys)
        there = {column["name"] for column in inspector.get_columns(self._name, schema=self._schema)}
        extra = [column.name for column in columns if column.name not in there]
        if extra:
            raise ConfigError(
                f"the table '{self._name}' has no column '{extra[0]}'; add it there, leave it out before, or overwrite "
                "the table",
                column=extra[0],
            )
        return sa.Table(self._name, self._meta, schema=self._schema, autoload_with=self._db)

    def _create(
        self, name: str, columns: Sequence[Column], keys: Sequence[str], *, temporary: bool = False
    ) -> sa.Table:
        made = [
            sa.Column(
                c.name,
                _key_type(c) if c.name in keys else sql_type(c),
                primary_key=c.name in keys,
                autoincrement=False,
                nullable=c.name not in keys,
            )
            for c in columns
        ]
        prefixes = ["TEMPORARY"] if temporary else []
        table = sa.Table(name, self._meta, *made, schema=None if temporary else self._schema, prefixes=prefixes)
        table.create(self._db)
        return table

    def _fill(self, table: sa.Table, frames: Iterator[pl.DataFrame]) -> int:
        rows = 0
        for frame in frames:
            if frame.height:
                self._load(self._db, table, frame)
                rows += frame.height
        return rows

    def _overwrite(self, columns: Sequence[Column], frames: Iterator[pl.DataFrame]) -> WriteResult:
        inspector = sa.inspect(self._db)
        if not inspector.has_table(self._name, schema=self._schema):
            return WriteResult(self._fill(self._create(self._name, columns, ()), frames))
        stage_name = f"{self._name[:40]}__headrace_stage"
        if inspector.has_table(stage_name, schema=self._schema):
            sa.Table(stage_name, sa.MetaData(), schema=self._schema).drop(self._db)
        stage = self._create(stage_name, columns, ())
        rows = self._fill(stage, frames)
        self._swap(self._db, stage, sa.Table(self._name, sa.MetaData(), schema=self._schema))
        return WriteResult(rows)

    def _upsert(self, columns: Sequence[Column], frames: Iterator[pl.DataFrame], keys: Sequence[str]) -> WriteResult:
        target = self._target(columns, keys)
        stage = self._create(f"headrace_stage_{self._name[:40]}", columns, (), temporary=True)
        rows = self._fill(stage, frames)
        self._check_keys(stage, keys)
        same = sa.and_(*(target.c[key] == stage.c[key] for key in keys))
        updated = self._db.scalar(sa.select(sa.func.count()).select_from(stage).where(sa.exists().where(same))) or 0
        rest = [column.name for column in columns if column.name not in keys]
        if rest and updated:
            self._db.execute(sa.update(target).values({target.c[name]: stage.c[name] for name in rest}).where(same))
        names = [column.name for column in columns]
        new = sa.select(*(stage.c[name] for name in names)).where(~sa.exists().where(same))
        self._db.execute(sa.insert(target).from_select(names, new))
        stage.drop(self._db)
        return WriteResult(rows, updated)

    def _check_keys(self, stage: sa.Table, keys: Sequence[str]) -> None:
        """Refuse rows that an upsert cannot tell apart.

        Raises:
            DataError: naming the keys and a sample.
        """
        parts = [stage.c[key] for key in keys]
        named = ", ".join(keys)
        empty = self._db.scalar(
            sa.select(sa.func.count()).select_from(stage).where(sa.or_(*(part.is_(None) for part in parts)))
        )
        if empty:
            raise DataError(
                f"{empty} rows have no value in the key {named}; nothing was written; filter them or fill them before",
                field="keys",
            )
        double = self._db.execute(
            sa.select(*parts, sa.func.count()).group_by(*parts).having(sa.func.count() > 1).limit(1)
        ).first()
        if double is not None:
            sample = ", ".join(f"{key}={value!r}" for key, value in zip(keys, double, strict=False))
            raise DataError(
                f"{double[-1]} rows have the same key ({sample}); nothing was written; put a Distinct step before, or"
                " add a key column",
                field="keys",
            )


def _key_type(column: Column) -> sa.types.TypeEngine[Any]:
    """Keys must be indexable: some databases cannot index unbounded text."""
    kind = sql_type(column)
    return sa.Text().with_variant(sa.String(255), "mysql", "mariadb") if isinstance(kind, sa.Text) else kind


def _rename(connection: sa.Connection, stage: sa.Table, target: sa.Table) -> None:
    """Put the stage in the target's place, inside the transaction."""
    target.drop(connection)
    quote = connection.dialect.identifier_preparer
    connection.execute(
        sa.DDL(  # type: ignore[no-untyped-call]
            "ALTER TABLE %(stage)s RENAME TO %(name)s",
            context={"stage": quote.format_table(stage), "name": quote.quote(target.name)},
        )
    )
