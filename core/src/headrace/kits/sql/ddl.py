"""What SQLAlchemy has no words for: adding, widening, renaming. Names and types are written by the dialect."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

_ADD = "ALTER TABLE %(table)s ADD %(column)s"
_RENAME = "ALTER TABLE %(table)s RENAME TO %(name)s"


class Alter(sa.schema.ExecutableDDLElement):
    """A constant statement with places for tables, and for texts that the dialect has written.

    `sa.DDL` would write a `%` of a name twice.
    """

    def __init__(self, statement: str, **parts: sa.Table | str) -> None:
        self.statement, self.parts = statement, parts


@compiles(Alter)
def _alter(element: Alter, compiler: Any, **_given: Any) -> str:
    tables = compiler.preparer.format_table
    return element.statement % {
        name: part if isinstance(part, str) else tables(part) for name, part in element.parts.items()
    }


def add_column(connection: sa.Connection, table: sa.Table, column: sa.Column[Any], statement: str = _ADD) -> None:
    """Add a column that may be null."""
    sa.Table(table.name, sa.MetaData(), column, schema=table.schema)  # some dialects ask for the column's table
    spec = str(sa.schema.CreateColumn(column).compile(dialect=connection.dialect))
    connection.execute(Alter(statement, table=table, column=spec))


def retype(connection: sa.Connection, table: sa.Table, column: sa.Column[Any], statement: str) -> None:
    """Change a column's type; `statement` is the dialect's, over `table`, `column` and `type`."""
    quoted = connection.dialect.identifier_preparer.quote(column.name)
    kind = column.type.compile(dialect=connection.dialect)
    connection.execute(Alter(statement, table=table, column=quoted, type=kind))


def rename_over(connection: sa.Connection, stage: sa.Table, target: sa.Table) -> None:
    """Put the stage in the target's place, inside the transaction where the database can."""
    target.drop(connection)
    name = connection.dialect.identifier_preparer.quote(target.name)
    connection.execute(Alter(_RENAME, table=stage, name=name))
