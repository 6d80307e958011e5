"""Statements as trees; names are quoted by the renderer, never by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from sqlglot import exp


class Place(Struct, frozen=True):
    """Where a table is."""

    catalog: str
    schema: str
    name: str

    def table(self, alias: str = "") -> exp.Table:
        """The table in a tree."""
        return exp.table_(self.name, db=self.schema, catalog=self.catalog, quoted=True, alias=alias or None)

    @property
    def text(self) -> str:
        """The qualified, quoted name."""
        return self.table().sql(dialect="duckdb")

    def beside(self, name: str) -> Place:
        """Another table of the schema."""
        return Place(self.catalog, self.schema, name)


def quoted(name: str, table: str = "") -> exp.Column:
    """A column."""
    return exp.column(name, table=table or None, quoted=True)


def join(left: str, right: str, keys: Sequence[str]) -> exp.Condition:
    """Equal keys."""
    return exp.and_(*(quoted(key, left).eq(quoted(key, right)) for key in keys))


def create(
    place: Place, columns: Mapping[str, str], *, keys: Sequence[str] = (), if_missing: bool = False
) -> exp.Create:
    """A new table; key columns become its primary key."""
    made: list[exp.Expr] = [
        exp.ColumnDef(this=exp.to_identifier(name, quoted=True), kind=exp.DataType.build(kind, dialect="duckdb"))
        for name, kind in columns.items()
    ]
    if keys:
        made.append(exp.PrimaryKey(expressions=[exp.to_identifier(key, quoted=True) for key in keys]))
    extra = [exp.TemporaryProperty()] if place.catalog == "temp" else []
    shape = exp.Schema(this=place.table(), expressions=made)
    return exp.Create(this=shape, kind="TABLE", exists=if_missing, properties=exp.Properties(expressions=extra))


def insert(place: Place, columns: Sequence[str], rows: exp.Query) -> exp.Insert:
    """Insert the rows of a query into these columns."""
    return exp.insert(rows, place.table(), columns=[exp.to_identifier(name, quoted=True) for name in columns])


def drop(place: Place) -> exp.Drop:
    """Remove a table, if it is there."""
    return exp.Drop(tables=[place.table()], kind="TABLE", exists=True)
