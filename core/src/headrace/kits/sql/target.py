"""The table that a write goes to: made, adapted, staged beside, replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from headrace.kits.drift import missing, refused, widened
from headrace.kits.sql.ddl import add_column, rename_over, retype
from headrace.kits.sql.types import column_of, sql_type
from headrace.sdk.errors import ConfigError
from headrace.sdk.tables import VALID_FROM, VALID_TO, TableOptions
from headrace.sdk.types import Column, DataType

VERSION = (Column(VALID_FROM, DataType.TIMESTAMP, zone="UTC"), Column(VALID_TO, DataType.TIMESTAMP, zone="UTC"))


class Traits(Struct, frozen=True, kw_only=True):
    """How a database departs from what most do.

    Attributes:
        add: Statement that adds a column.
        retype: Statement that changes a column's type; empty where there is none.
        merges: It knows MERGE but no UPDATE ... FROM.
        temporary: Prefixes of a temporary table; none where a stage is an ordinary table that is dropped.
        swap: Puts the staged table in the target's place.
    """

    add: str = "ALTER TABLE %(table)s ADD %(column)s"
    retype: str = "ALTER TABLE %(table)s ALTER COLUMN %(column)s TYPE %(type)s"
    merges: bool = False
    temporary: tuple[str, ...] = ("TEMPORARY",)
    swap: Callable[[sa.Connection, sa.Table, sa.Table], None] = rename_over


class Target:
    """One table over an open transaction.

    Args:
        db: In a transaction that the caller ends.
        schema: Its schema, or None.
        name: Its name.
        traits: Of the database.
    """

    def __init__(self, db: sa.Connection, schema: str | None, name: str, traits: Traits) -> None:
        self._db, self._schema, self._name, self.traits = db, schema, name, traits
        self._meta = sa.MetaData()

    def exists(self) -> bool:
        """Whether it is there."""
        return sa.inspect(self._db).has_table(self._name, schema=self._schema)

    def rows(self) -> int:
        """How many rows it holds."""
        table = sa.Table(self._name, sa.MetaData(), schema=self._schema)
        return self._db.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    def columns(self) -> list[Column]:
        """Its logical columns; one with a default of its own may be left out, but is not null."""
        found = sa.inspect(self._db).get_columns(self._name, schema=self._schema)
        return [column_of(c["name"], c["type"], nullable=c.get("nullable", True)) for c in found]

    def create(self, columns: Sequence[Column], keys: Sequence[str], *, history: bool = False) -> sa.Table:
        """Make it, with a primary key; a history has one row for each version."""
        made = [
            sa.Column(c.name, _key_type(c) if c.name in keys else sql_type(c), primary_key=c.name in keys,
                      autoincrement=False, nullable=c.name not in keys)
            for c in columns
        ]  # fmt: skip
        for column in VERSION if history else ():
            begins = column.name == VALID_FROM
            made.append(sa.Column(column.name, sql_type(column), primary_key=begins, nullable=not begins))
        table = sa.Table(self._name, self._meta, *made, schema=self._schema)
        table.create(self._db)
        return table

    def adapted(self, data: Sequence[Column], options: TableOptions, *, history: bool) -> sa.Table:
        """The table as it is there, with new and wider columns where it may evolve.

        Raises:
            ConfigError: its shape is frozen, cannot become what is needed, or has no place for versions.
        """
        there = self.columns()
        refused(self._name, there, data, options.drift)
        if history and missing(there, VERSION):
            raise ConfigError(
                f"the table '{self._name}' has no '{VALID_FROM}' and '{VALID_TO}', so it keeps no history; write to "
                "another table",
                field="stream",
            )
        if options.drift == "evolve":
            self._evolve(there, data)
        return sa.Table(self._name, self._meta, schema=self._schema, autoload_with=self._db, resolve_fks=False)

    def _evolve(self, there: Sequence[Column], data: Sequence[Column]) -> None:
        table = sa.Table(self._name, sa.MetaData(), schema=self._schema)
        wide = widened(there, data)
        if wide and not self.traits.retype:
            raise ConfigError(
                f"column '{wide[0].name}' of '{self._name}' would have to become {wide[0].type}, and this database "
                "cannot change a column's type; overwrite the table, or cast before",
                column=wide[0].name,
            )
        for column in missing(there, data):
            add_column(self._db, table, sa.Column(column.name, sql_type(column)), self.traits.add)
        for column in wide:
            retype(self._db, table, sa.Column(column.name, sql_type(column)), self.traits.retype)

    def stage(self, columns: Sequence[Column], target: sa.Table | None = None) -> sa.Table:
        """A table for the rows; with a `target` it has that one's types, and is temporary where there are such."""
        temporary = target is not None and bool(self.traits.temporary)
        schema, name = None if temporary else self._schema, f"{self._name[:40]}__headrace_stage"
        if not temporary and sa.inspect(self._db).has_table(name, schema=schema):
            sa.Table(name, sa.MetaData(), schema=schema).drop(self._db)
        made = [sa.Column(c.name, _type_in(target, c), autoincrement=False, nullable=True) for c in columns]
        prefixes = list(self.traits.temporary) if temporary else []
        stage = sa.Table(name, self._meta, *made, schema=schema, prefixes=prefixes)
        stage.create(self._db)
        return stage

    def beside(self, table: sa.Table) -> None:
        """Make a table beside it, if it is not there."""
        table.create(self._db, checkfirst=True)

    def unstage(self, stage: sa.Table) -> None:
        """Drop the stage; its rows are where they belong."""
        stage.drop(self._db)

    def replace(self, stage: sa.Table) -> None:
        """Put the stage in its place."""
        self.traits.swap(self._db, stage, sa.Table(self._name, sa.MetaData(), schema=self._schema))


def _type_in(target: sa.Table | None, column: Column) -> sa.types.TypeEngine[Any]:
    """The target's type, so that what goes in is what will be kept."""
    if target is None or column.name not in target.c:
        return sql_type(column)
    kind = target.c[column.name].type
    return sql_type(column) if isinstance(kind, sa.types.NullType) else kind


def _key_type(column: Column) -> sa.types.TypeEngine[Any]:
    """Keys must be indexable: most databases cannot index unbounded text."""
    kind = sql_type(column)
    return sa.String(255).with_variant(sa.Text(), "postgresql", "sqlite") if isinstance(kind, sa.Text) else kind
